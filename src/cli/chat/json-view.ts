/** @file A chat for programs: one line of JSON for every turn. */
import type { Side, Sided } from '../../chat/side-by-side.ts'
import type { ChatEvent } from '../../chat/turn.ts'
import { harmlessJson } from './terminal-text.ts'
import type { ChatIo, ChatView, Finish } from './view.ts'

export function jsonView(io: ChatIo, { note, problem }: Pick<ChatView, 'note' | 'problem'>): ChatView {
  const line = (value: object) => io.data(`${harmlessJson(value)}\n`)
  return {
    note,
    problem,
    async answer(prompt, _, events) {
      const collected = collector()
      for await (const event of events) collected.add(event)
      line({ kind: 'answer', prompt, ...collected.answer() })
    },
    async comparison(prompt, _, events: AsyncIterable<Sided<ChatEvent>>) {
      const sides: Record<Side, ReturnType<typeof collector>> = { left: collector(), right: collector() }
      for await (const event of events) sides[event.side].add(event)
      line({ kind: 'comparison', prompt, left: sides.left.answer(), right: sides.right.answer() })
    },
  }
}

function collector() {
  let leftOut = 0
  let finish: Finish | undefined
  return {
    add(event: ChatEvent) {
      if (event.kind === 'trimmed') leftOut = event.leftOut
      if (event.kind === 'finish') finish = event
    },
    answer() {
      if (finish === undefined) throw new TypeError('answer ended without a finish')
      const { persona, alpha = null, modelMismatch, seed, text, reason, usage } = finish
      return { persona, alpha, ...(modelMismatch && { modelMismatch }), seed, text, reason, leftOut, usage }
    },
  }
}
