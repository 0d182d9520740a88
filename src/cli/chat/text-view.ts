/** @file A chat for people: answers as they arrive, wrapped on a terminal; two beside each other where it is wide enough. */
import type { Side, Sided } from '../../chat/side-by-side.ts'
import type { ChatEvent } from '../../chat/turn.ts'
import { columns, columnWidth } from './columns.ts'
import { harmless, padded } from './terminal-text.ts'
import { type ChatIo, type ChatView, endNote, type Finish, mismatchMark, trimmedNote } from './view.ts'
import { wordWrap } from './word-wrap.ts'

/** @param options.isPrompted whether a prompt above the answer says who answers */
export function textView(io: ChatIo, { isPrompted }: { readonly isPrompted: boolean }): ChatView {
  // Where nobody looks, the text is left as it is.
  const liveText = (width: number | undefined) =>
    width === undefined ? { push: (text: string) => text, end: () => '' } : wordWrap(width)

  function note(text: string): void {
    const wrap = liveText(io.messageWidth())
    io.message(`${io.paintMessage('dim', wrap.push(harmless(text)) + wrap.end())}\n`)
  }

  async function answer(events: AsyncIterable<ChatEvent>): Promise<void> {
    const text = liveText(io.dataWidth())
    for await (const event of events) {
      if (event.kind === 'trimmed') note(`(${trimmedNote(event)})`)
      if (event.kind === 'token') io.data(text.push(harmless(event.text)))
      if (event.kind === 'finish') {
        io.data(`${text.end()}\n`)
        for (const text of notesOf(event)) note(`(${text})`)
      }
    }
  }

  async function beside(
    width: number,
    labels: Readonly<Record<Side, string>>,
    events: AsyncIterable<Sided<ChatEvent>>,
  ): Promise<void> {
    const { paintData } = io
    const head = paintData('cyan', padded(cut(labels.left, width), width))
    io.data(`${head} │ ${paintData('magenta', cut(labels.right, width))}\n`)
    const view = columns(width)
    const notes: string[] = []
    for await (const event of events) {
      const { side } = event
      if (event.kind === 'trimmed') notes.push(`${labels[side]}: ${trimmedNote(event)}`)
      if (event.kind === 'token') io.data(view.push(side, harmless(event.text)))
      if (event.kind === 'finish') {
        io.data(view.end(side))
        for (const text of notesOf(event)) notes.push(`${labels[side]}: ${text}`)
      }
    }
    // Not among the rows, which they would tear apart.
    for (const text of notes) note(`(${text})`)
    if (isPrompted) io.message('\n')
  }

  return {
    note,
    problem({ message, hint }) {
      io.message(`${io.paintMessage('red', harmless(message))}\n`)
      if (hint !== undefined) note(hint)
    },
    async answer(_, label, events) {
      if (!isPrompted) io.message(`${label}:\n`)
      await answer(events)
      if (isPrompted) io.message('\n')
    },
    async comparison(_, labels, events) {
      const width = columnWidth(io.dataWidth() ?? 0)
      if (width !== undefined) return beside(width, labels, events)
      const { left, right } = separated(events)
      io.data(`${io.paintData('cyan', `${labels.left}:`)}\n`)
      await answer(left)
      io.data(`\n${io.paintData('magenta', `${labels.right}:`)}\n`)
      await answer(right)
      if (isPrompted) io.message('\n')
    },
  }
}

const notesOf = (finish: Finish) => [endNote(finish), mismatchMark(finish)].filter((text) => text !== undefined)

const cut = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text)

/** The left side as it arrives; what the right one says meanwhile waits. */
function separated(events: AsyncIterable<Sided<ChatEvent>>) {
  const iterator = events[Symbol.asyncIterator]()
  const kept: ChatEvent[] = []
  let leftEnded = false
  async function* left(): AsyncGenerator<ChatEvent> {
    while (!leftEnded) {
      const { value, done } = await iterator.next()
      if (done) return
      if (value.side === 'right') kept.push(value)
      else {
        leftEnded = value.kind === 'finish'
        yield value
      }
    }
  }
  async function* right(): AsyncGenerator<ChatEvent> {
    yield* kept
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  }
  return { left: left(), right: right() }
}
