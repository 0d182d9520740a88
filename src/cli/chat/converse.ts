/** @file The loop of a chat: a line comes, a command is done or a message answered. */
import { prepareSpeaker } from '../../chat/speaker.ts'
import { PalignError } from '../../errors.ts'
import { type ChatRoom, type Outcome, runCommand, type Speakers } from './commands.ts'
import type { LineInput } from './line-input.ts'
import { labelOf } from './personas.ts'
import type { Paint } from './view.ts'

export interface ConverseOptions extends ChatRoom {
  readonly input: LineInput
  /** Whether somebody reads what went wrong and says something else; a script must not go on as if nothing had been. */
  readonly isInteractive: boolean
  readonly paint: Paint
}

/** @returns the exit status: 130 where Ctrl-C ended it */
export async function converse(options: ConverseOptions): Promise<number> {
  const { input, session, view, isInteractive, paint } = options
  let comparing: Speakers | undefined

  async function answer(prompt: string, regenerated = false): Promise<void> {
    const { speaker, alpha } = session.state()
    const label = labelOf({ id: speaker.id, alpha })
    await input.stoppable((signal) =>
      view.answer(prompt, label, regenerated ? session.regenerate({ signal }) : session.send(prompt, { signal })),
    )
  }

  async function compare(prompt: string, speakers: Speakers): Promise<void> {
    await input.stoppable((signal) =>
      view.comparison(prompt, labelsOf(speakers, options), session.compare(prompt, speakers, { signal })),
    )
  }

  /** @returns whether the chat goes on */
  async function act(line: string): Promise<boolean> {
    if (line.startsWith('/') && !line.startsWith('//')) {
      const outcome: Outcome = await runCommand(line, options)
      if (outcome.kind === 'leave') return false
      if (outcome.kind === 'chosen') comparing = undefined
      if (outcome.kind === 'regenerate') await answer(session.state().turns.at(-1)?.prompt ?? '', true)
      if (outcome.kind === 'compare') {
        if (outcome.prompt !== undefined) await compare(outcome.prompt, outcome.speakers)
        else comparing = outcome.speakers
      }
      return true
    }
    const prompt = line.startsWith('//') ? line.slice(1) : line
    const speakers = comparing
    comparing = undefined
    if (speakers === undefined) await answer(prompt)
    else await compare(prompt, speakers)
    return true
  }

  while (true) {
    const line = await input.next(promptText())
    if (line.kind !== 'line') {
      if (isInteractive) view.note('')
      return line.kind === 'left' ? 130 : 0
    }
    if (line.text.trim() === '') continue
    try {
      if (!(await act(line.text))) return 0
    } catch (error) {
      if (!isInteractive || !(error instanceof PalignError)) throw error
      view.problem(error)
    }
  }

  function promptText(): string {
    const { speaker, alpha } = session.state()
    const labels = comparing && labelsOf(comparing, options)
    const label = labels === undefined ? labelOf({ id: speaker.id, alpha }) : `${labels.left} | ${labels.right}`
    return `${paint('cyan', label)} > `
  }
}

function labelsOf({ left, right }: Speakers, { model }: ChatRoom) {
  const label = (speaker: Speakers['left']) => labelOf({ id: speaker.id, alpha: prepareSpeaker(speaker, model).alpha })
  return { left: label(left), right: label(right) }
}
