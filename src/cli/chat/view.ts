/** @file What a chat shows. Answers are data and go to standard output, everything else to standard error. */
import { styleText } from 'node:util'
import type { Side, Sided } from '../../chat/side-by-side.ts'
import type { ChatEvent } from '../../chat/turn.ts'
import type { PalignError } from '../../errors.ts'

export interface ChatView {
  note(text: string): void
  problem(error: PalignError): void
  answer(prompt: string, label: string, events: AsyncIterable<ChatEvent>): Promise<void>
  comparison(prompt: string, labels: Readonly<Record<Side, string>>, events: AsyncIterable<Sided<ChatEvent>>): Promise<void>
}

export type Finish = Extract<ChatEvent, { kind: 'finish' }>
export type Paint = (style: 'dim' | 'bold' | 'cyan' | 'magenta' | 'red', text: string) => string

export interface ChatIo {
  data(text: string): void
  message(text: string): void
  /** Columns of the terminal that shows data; undefined where they go into a pipe or a file. */
  dataWidth(): number | undefined
  messageWidth(): number | undefined
  readonly paintData: Paint
  readonly paintMessage: Paint
}

/** Colours for a stream: on a terminal only, unless the environment says otherwise. */
export function painter(stream: { readonly isTTY?: boolean }, { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv): Paint {
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
  const coloured = forced || (stream.isTTY === true && !NO_COLOR && TERM !== 'dumb' && FORCE_COLOR !== '0')
  // Decided here for each stream; newer releases of Node would look at standard output only.
  return coloured ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}

export function processIo(environment: NodeJS.ProcessEnv): ChatIo {
  const { stdout, stderr } = process
  return {
    data: (text) => void stdout.write(text),
    message: (text) => void stderr.write(text),
    dataWidth: () => widthOf(stdout),
    messageWidth: () => widthOf(stderr),
    paintData: painter(stdout, environment),
    paintMessage: painter(stderr, environment),
  }
}

/** Terminals that do not know how wide they are count as the usual ones. */
function widthOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY ? Math.max(2, columns || 80) : undefined
}

/** Why an answer ended, where the text does not say it itself. */
export function endNote({ reason, usage }: Finish): string | undefined {
  switch (reason) {
    case 'end-token':
    case 'stop':
      return undefined
    case 'stopped':
      return usage.generatedTokens === 0 ? 'stopped before it began, and forgotten' : 'stopped'
    case 'length':
      return `cut off after ${usage.generatedTokens} tokens; --max-tokens allows more`
    case 'context':
      return 'cut off: the context is full'
    default:
      return reason satisfies never
  }
}

/** What must stand beside every answer of a persona that was fitted on another model. */
export function mismatchMark({ persona, modelMismatch }: Finish): string | undefined {
  return modelMismatch ? `${persona} was fitted on another model: what it does here was never measured` : undefined
}

export function trimmedNote({ leftOut, of }: Extract<ChatEvent, { kind: 'trimmed' }>): string {
  return `the oldest ${leftOut} of ${of} turns no longer fit into the context and were left out`
}
