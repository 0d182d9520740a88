/** @file What can be said to the chat itself: lines that begin with a slash. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ChatSession } from '../../chat/chat-session.ts'
import { conversationJson } from '../../chat/conversation.ts'
import type { Side } from '../../chat/side-by-side.ts'
import { NOBODY, prepareSpeaker, type Speaker } from '../../chat/speaker.ts'
import { PalignError } from '../../errors.ts'
import type { LanguageModel } from '../../model/language-model.ts'
import { writeFileAtomic } from '../../node/atomic-write.ts'
import { nearest } from './nearest.ts'
import { type ChatPersonas, labelOf, speakerOf, strengthOf } from './personas.ts'
import type { ChatView } from './view.ts'

export interface ChatRoom {
  readonly session: ChatSession
  readonly model: Pick<LanguageModel, 'shape' | 'fingerprint'>
  readonly personas: ChatPersonas
  /** Whether personas of another model may answer. */
  readonly allowModelMismatch?: boolean | undefined
  readonly view: ChatView
  /** Files that this chat was saved to. */
  readonly saved: Set<string>
}

export type Speakers = Readonly<Record<Side, Speaker>>

/** What the chat does after a command. */
export type Outcome =
  | { readonly kind: 'nothing' }
  /** One speaker answers from here on, whatever comparison was begun. */
  | { readonly kind: 'chosen' }
  | { readonly kind: 'regenerate' }
  /** Of this message, or of the next one. */
  | { readonly kind: 'compare'; readonly speakers: Speakers; readonly prompt: string | undefined }
  | { readonly kind: 'leave' }

interface Command {
  readonly name: string
  readonly takes: string
  readonly about: string
  run(argument: string, room: ChatRoom): Outcome | undefined | Promise<Outcome | undefined>
}

const COMMANDS: readonly Command[] = [
  { name: 'help', takes: '', about: 'this list', run: (_, { view }) => help(view) },
  { name: 'persona', takes: '[id|none]', about: 'who answers; without an id, who there is', run: persona },
  { name: 'alpha', takes: '[number]', about: 'strength of the persona', run: alpha },
  {
    name: 'compare',
    takes: 'A B [message]',
    about: 'two personas answer the same message; the chat stays as it was',
    run: compare,
  },
  { name: 'seed', takes: '[number]', about: 'seed of the next answers', run: seed },
  { name: 'system', takes: '[text|none]', about: "system message beside the persona's own prompt", run: system },
  { name: 'undo', takes: '', about: 'takes the last message and its answer back', run: undo },
  { name: 'regenerate', takes: '', about: 'answers the last message anew', run: () => ({ kind: 'regenerate' }) },
  { name: 'clear', takes: '', about: 'begins anew', run: clear },
  { name: 'history', takes: '', about: 'what was said, and by whom', run: history },
  { name: 'save', takes: 'FILE', about: 'writes the chat as JSON', run: save },
  { name: 'quit', takes: '', about: 'leaves', run: () => ({ kind: 'leave' }) },
]

/** @throws PalignError for a command that does not exist or cannot be done; then nothing has changed */
export async function runCommand(line: string, room: ChatRoom): Promise<Outcome> {
  const [, name = '', argument = ''] = /^\/(\S*)\s*([\s\S]*)$/.exec(line.trim()) ?? []
  const command = COMMANDS.find((known) => known.name === name)
  if (command === undefined) {
    const meant = nearest(
      name,
      COMMANDS.map((known) => known.name),
    )
    const hint = meant === undefined ? '/help lists the commands' : `did you mean /${meant}? /help lists the commands`
    throw new PalignError('invalid-input', `command /${name} is unknown`, { hint })
  }
  if (command.takes === '' && argument !== '') {
    throw new PalignError('invalid-input', `command /${name} takes nothing, ${JSON.stringify(argument)} was given`)
  }
  return (await command.run(argument, room)) ?? { kind: 'nothing' }
}

/** What the last word of a line could become, and that word. */
export function completions(line: string, personas: ChatPersonas): [string[], string] {
  const [, word] = /^\/(?:persona|compare|compare\s+\S+)\s+(\S*)$/.exec(line) ?? []
  if (word !== undefined) return [[...personas.keys(), NOBODY.id].filter((id) => id.startsWith(word)), word]
  const known = COMMANDS.map(({ name, takes }) => `/${name}${takes === '' ? '' : ' '}`)
  return [line.startsWith('/') ? known.filter((command) => command.startsWith(line)) : [], line]
}

function help(view: ChatView): undefined {
  const width = Math.max(...COMMANDS.map(({ name, takes }) => name.length + takes.length)) + 4
  for (const { name, takes, about } of COMMANDS) view.note(`${`/${name} ${takes}`.padEnd(width)}${about}`)
  view.note('A persona may be written with a strength: me;alpha=2. A message that begins with a slash is written with two.')
}

function persona(argument: string, { session, model, personas, view, allowModelMismatch }: ChatRoom): Outcome | undefined {
  if (argument !== '') {
    session.change({ speaker: speakerOf(argument, personas, { allowModelMismatch }) })
    const { speaker, alpha } = session.state()
    view.note(`${labelOf({ id: speaker.id, alpha })} answers from here on`)
    return { kind: 'chosen' }
  }
  const active = session.state().speaker.id
  for (const speaker of [
    NOBODY,
    ...Array.from(personas, ([id, value]): Speaker => ({ id, persona: value, allowModelMismatch })),
  ]) {
    view.note(`${speaker.id === active ? '*' : ' '} ${speaker.id}  ${described(speaker, model)}`)
  }
  return undefined
}

function described(speaker: Speaker, model: ChatRoom['model']): string {
  const { persona } = speaker
  if (persona.kind === 'none') return 'the base model'
  try {
    const { alpha } = prepareSpeaker(speaker, model)
    return `${persona.kind}, ${persona.method}${alpha === undefined ? '' : `, alpha ${Number(alpha.toPrecision(6))}`}`
  } catch (error) {
    if (error instanceof PalignError) return `cannot answer: ${error.message}`
    throw error
  }
}

function alpha(argument: string, { session, view }: ChatRoom): undefined {
  const { speaker } = session.state()
  if (argument !== '') session.change({ speaker: { ...speaker, alpha: strengthOf(argument) } })
  const now = session.state().alpha
  view.note(now === undefined ? `${speaker.id} has no alpha` : `alpha is ${now}`)
}

function compare(argument: string, { personas, model, allowModelMismatch }: ChatRoom): Outcome {
  const [, left, right, prompt = ''] = /^(\S+)\s+(\S+)\s*([\s\S]*)$/.exec(argument) ?? []
  if (left === undefined || right === undefined) {
    throw new PalignError('invalid-input', `command /compare got ${JSON.stringify(argument)}, expected two personas`, {
      hint: '/compare me none Who are you?',
    })
  }
  const speakers = {
    left: speakerOf(left, personas, { allowModelMismatch }),
    right: speakerOf(right, personas, { allowModelMismatch }),
  }
  // Before a message is asked for that could not be answered.
  for (const speaker of Object.values(speakers)) prepareSpeaker(speaker, model)
  return { kind: 'compare', speakers, prompt: prompt === '' ? undefined : prompt }
}

function seed(argument: string, { session, view }: ChatRoom): undefined {
  if (argument !== '') session.change({ seed: Number(argument) })
  view.note(`seed is ${session.state().seed}`)
}

function system(argument: string, { session, view }: ChatRoom): undefined {
  if (argument !== '') session.change({ system: argument === 'none' ? null : argument })
  const { system } = session.state()
  view.note(system === undefined ? 'no system message' : `system message: ${system}`)
}

function undo(_: string, { session, view }: ChatRoom): undefined {
  const turn = session.undo()
  view.note(turn === undefined ? 'nothing to take back' : `taken back: ${turn.prompt}`)
}

function clear(_: string, { session, view }: ChatRoom): undefined {
  const { length } = session.state().turns
  session.clear()
  view.note(`${length} ${length === 1 ? 'turn' : 'turns'} forgotten`)
}

function history(_: string, { session, view }: ChatRoom): undefined {
  const { turns } = session.state()
  if (turns.length === 0) view.note('nothing was said yet')
  for (const { prompt, answer, persona, alpha, reason } of turns) {
    view.note(`you: ${prompt}`)
    view.note(`${labelOf({ id: persona, alpha })}: ${answer}${reason === 'stopped' ? ' (stopped)' : ''}`)
  }
}

async function save(argument: string, { session, view, saved }: ChatRoom): Promise<undefined> {
  if (argument === '') throw new PalignError('invalid-input', 'command /save got no file', { hint: '/save chat.json' })
  const path = resolve(argument)
  if (!saved.has(path) && (await stat(path).catch(() => undefined)) !== undefined) {
    throw new PalignError('invalid-input', `file ${argument} exists and was not written by this chat`, {
      hint: 'choose another name',
    })
  }
  // What was said to a model is its owner's alone until they share it.
  await writeFileAtomic(path, conversationJson(session.state()), { mode: 0o600 })
  saved.add(path)
  view.note(`saved as ${argument}`)
}
