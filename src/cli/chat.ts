/** @file `palign chat`: a conversation with a model and its personas, in a terminal or line by line. */
import { basename, resolve } from 'node:path'
import { chatSession } from '../chat/chat-session.ts'
import { PalignError } from '../errors.ts'
import { completions } from './chat/commands.ts'
import { converse } from './chat/converse.ts'
import { jsonView } from './chat/json-view.ts'
import { historyPath, type LineHistory, lineHistory } from './chat/line-history.ts'
import { lineInput } from './chat/line-input.ts'
import { readChatPersonas, speakerOf } from './chat/personas.ts'
import { textView } from './chat/text-view.ts'
import { type ChatView, processIo } from './chat/view.ts'
import { type ModelOptions, openModel } from './open-model.ts'

interface ChatOptions extends ModelOptions {
  readonly persona?: string
  readonly personas?: string
  readonly passphraseFile?: string
  readonly allowModelMismatch?: boolean
  readonly alpha?: number
  readonly seed: number
  readonly temperature: number
  readonly topP: number
  readonly maxTokens: number
  readonly system?: string
  /** False for `--no-history`. */
  readonly history?: string | false
  readonly json?: boolean
}

export async function chatCommand(options: ChatOptions): Promise<void> {
  const { alpha, seed, temperature, topP, maxTokens, system, allowModelMismatch } = options
  if (alpha !== undefined && options.persona === undefined) {
    throw new PalignError('invalid-input', '--alpha was given without --persona', {
      hint: 'name the persona whose strength it sets',
    })
  }
  const { personas, first } = await readChatPersonas(options)
  const isInteractive = process.stdin.isTTY === true && process.stderr.isTTY === true
  const io = processIo(process.env)
  const text = textView(io, { isPrompted: isInteractive && process.stdout.isTTY === true })
  const view = options.json ? jsonView(io, text) : text

  const model = await openModel(options)
  try {
    const speaker = first === undefined ? undefined : { ...speakerOf(first, personas, { allowModelMismatch }), alpha }
    const session = chatSession({ model, speaker, seed, system, settings: { temperature, topP, maxTokens } })
    if (isInteractive) {
      view.note(
        `${basename(resolve(options.model))}, ${counted(personas.size)}. /help lists the commands; Ctrl-C stops an answer, twice leaves.`,
      )
    }
    const history = isInteractive ? await openHistory(options.history, view) : undefined
    const complete = (line: string) => completions(line, personas)
    const input = lineInput({ isInteractive, history, complete, note: view.note })
    try {
      const room = { session, model, personas, allowModelMismatch, view, saved: new Set<string>() }
      process.exitCode = await converse({ ...room, input, isInteractive, paint: io.paintMessage })
    } finally {
      input.close()
    }
  } finally {
    await model.dispose()
  }
}

const counted = (personas: number) => `${personas} ${personas === 1 ? 'persona' : 'personas'}`

/** A chat without a history of lines is still a chat. */
async function openHistory(chosen: string | false | undefined, view: ChatView): Promise<LineHistory | undefined> {
  if (chosen === false) return undefined
  const path = chosen ?? historyPath(process.env)
  try {
    return await lineHistory(path)
  } catch (error) {
    view.note(`lines of this chat are not kept: ${(error as Error).message}`)
    return undefined
  }
}
