/** @file Two streams of events as one, tagged by side. */

export type Side = 'left' | 'right'
export type Sided<T> = T & { readonly side: Side }

/** Events in the order in which they arrive; a failure of one side ends the other. */
export async function* sideBySide<T extends object>(
  left: AsyncIterable<T>,
  right: AsyncIterable<T>,
): AsyncGenerator<Sided<T>, void, undefined> {
  const iterators = { left: left[Symbol.asyncIterator](), right: right[Symbol.asyncIterator]() }
  const waiting = new Map<Side, Promise<{ readonly side: Side; readonly result: IteratorResult<T> }>>()
  const ask = (side: Side) => {
    // Behind what waits already: neither side can be served twice while the other is ready.
    waiting.delete(side)
    const next = iterators[side].next().then((result) => ({ side, result }))
    // Thrown where it is awaited; after a failure of the other side nobody awaits it.
    next.catch(() => undefined)
    waiting.set(side, next)
  }
  try {
    ask('left')
    ask('right')
    while (waiting.size > 0) {
      const { side, result } = await Promise.race(waiting.values())
      if (result.done) {
        waiting.delete(side)
        continue
      }
      ask(side)
      yield { ...result.value, side }
    }
  } finally {
    await Promise.allSettled([iterators.left.return?.(), iterators.right.return?.()])
  }
}
