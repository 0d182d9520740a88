/** @file Events of a generation -> pieces to send: text with the tokens that made it, and the end with whatever was held back until then. */
import type { GeneratedToken, GenerationEvent, RankedToken } from '../model/language-model.ts'

export type Finish = Extract<GenerationEvent, { kind: 'finish' }>

export type Piece =
  | { readonly kind: 'text'; readonly text: string; readonly tokens: readonly GeneratedToken[] }
  | {
      readonly kind: 'end'
      /** What of the text was not sent before. */
      readonly text: string
      /** Tokens since the last piece: those of a stop text, or of half a character. */
      readonly tokens: readonly GeneratedToken[]
      readonly finish: Finish
    }

/** Exactly one end, the last piece. @param onToken called for every token as it comes */
export async function* piecesOf(events: AsyncIterable<GenerationEvent>, onToken: () => void): AsyncGenerator<Piece> {
  let sent = 0
  let tokens: GeneratedToken[] = []
  for await (const event of events) {
    if (event.kind === 'finish') {
      yield { kind: 'end', text: event.text.slice(sent), tokens, finish: event }
      return
    }
    onToken()
    tokens.push(event)
    if (event.text === '') continue
    sent += event.text.length
    yield { kind: 'text', text: event.text, tokens }
    tokens = []
  }
  // Never an end without a reason: clients would take half an answer for a whole one.
  throw new TypeError('generation ended without a finish')
}

/** Those that came with a log-probability: all where it was asked for, none elsewhere. */
export const rankedTokens = (tokens: readonly GeneratedToken[]) =>
  tokens.filter((token): token is RankedToken => token.logprob !== undefined)

export const finishReason = ({ reason }: Finish) => (reason === 'length' || reason === 'context' ? 'length' : 'stop')

export interface Interleaved<T> {
  readonly index: number
  readonly value: T
}

/**
 * Several sequences as one, each value with the place of its sequence: at most `atOnce` of them go on at a time, and each only as fast as it is read.
 * One that fails ends all.
 */
export async function* interleaved<T>(
  sources: readonly (() => AsyncIterator<T>)[],
  atOnce: number,
): AsyncGenerator<Interleaved<T>> {
  const waiting = [...sources.entries()]
  const open = new Map<number, AsyncIterator<T>>()
  const pending = new Map<number, Promise<{ readonly index: number; readonly result: IteratorResult<T> }>>()
  const advance = (index: number, iterator: AsyncIterator<T>) => {
    const next = iterator.next().then((result) => ({ index, result }))
    // Seen when it is raced; one that nobody waits for any more must not count as unhandled.
    next.catch(() => undefined)
    pending.set(index, next)
  }
  const fill = () => {
    while (open.size < atOnce && waiting.length > 0) {
      const [index, begin] = waiting.shift()!
      const iterator = begin()
      open.set(index, iterator)
      advance(index, iterator)
    }
  }
  try {
    for (fill(); pending.size > 0; fill()) {
      const { index, result } = await Promise.race(pending.values())
      // To the end of the line: no sequence may starve another.
      pending.delete(index)
      if (result.done) {
        open.delete(index)
        continue
      }
      yield { index, value: result.value }
      advance(index, open.get(index)!)
    }
  } finally {
    for (const iterator of open.values()) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
