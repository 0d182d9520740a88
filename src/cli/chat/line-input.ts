/** @file Lines from a terminal or a pipe, and what Ctrl-C means meanwhile. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { LineHistory } from './line-history.ts'

export type Input =
  | { readonly kind: 'line'; readonly text: string }
  /** Ctrl-D, or the end of the pipe. */
  | { readonly kind: 'end' }
  /** Ctrl-C twice, or once where nobody types. */
  | { readonly kind: 'left' }

export interface LineInput {
  next(prompt: string): Promise<Input>
  /** Work that Ctrl-C stops; a second one, while it is still stopping, ends the process. */
  stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  close(): void
}

export interface LineInputOptions {
  /** Whether somebody types and sees what they type. */
  readonly isInteractive: boolean
  readonly history?: LineHistory | undefined
  /** What the last word of a line could become, and that word. */
  complete(line: string): [string[], string]
  note(text: string): void
}

export function lineInput({ isInteractive, history, complete, note }: LineInputOptions): LineInput {
  const echo = mutableEcho()
  const lines = createInterface({
    input: process.stdin,
    output: isInteractive ? echo.stream : undefined,
    terminal: isInteractive,
    history: [...(history?.lines ?? [])].reverse(),
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: complete,
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  // Lines may come while an answer is given (pasted, or from a pipe): none is lost.
  const arrived: Input[] = []
  let waiting: ((input: Input) => void) | undefined
  let running: AbortController | undefined
  let isLeaving = false

  function give(input: Input): void {
    isLeaving = false
    if (waiting === undefined) arrived.push(input)
    else waiting(input)
    waiting = undefined
  }
  lines.on('line', (text) => {
    if (isInteractive) history?.add(text)
    give({ kind: 'line', text })
  })
  lines.on('close', () => give({ kind: 'end' }))

  function leave(): void {
    arrived.length = 0
    give({ kind: 'left' })
  }

  function interrupt(): void {
    if (running !== undefined) {
      if (running.signal.aborted) process.exit(130)
      running.abort()
      if (!isInteractive) leave()
    } else if (!isInteractive || isLeaving) {
      leave()
    } else if (lines.line !== '') {
      // To the end of the line, and everything before it away.
      lines.write(null, { ctrl: true, name: 'e' })
      lines.write(null, { ctrl: true, name: 'u' })
    } else {
      isLeaving = true
      echo.stream.write('\n')
      note('(Ctrl-C again leaves)')
      lines.prompt()
    }
  }
  // From the keyboard in raw mode, and from anybody else.
  lines.on('SIGINT', interrupt)
  process.on('SIGINT', interrupt)

  return {
    async next(prompt) {
      const early = arrived.shift()
      if (isInteractive && early?.kind === 'line') echo.stream.write(`${prompt}${early.text}\n`)
      if (early !== undefined) return early
      lines.setPrompt(prompt)
      // What was typed meanwhile stands on the line already.
      if (isInteractive) lines.prompt(true)
      return new Promise((resolve) => {
        waiting = resolve
      })
    },
    async stoppable(work) {
      running = new AbortController()
      echo.mute(true)
      try {
        return await work(running.signal)
      } finally {
        running = undefined
        echo.mute(false)
      }
    },
    close() {
      process.off('SIGINT', interrupt)
      lines.close()
    },
  }
}

/** Standard error, silent while an answer is shown: what is typed meanwhile must not stand in the middle of it. */
function mutableEcho() {
  const { stderr } = process
  let isMuted = false
  const stream = new Writable({
    write(chunk, _, done) {
      if (!isMuted) stderr.write(chunk)
      done()
    },
  })
  // Readline asks the stream for its width, and wants to hear when it changes.
  Object.defineProperty(stream, 'columns', { get: () => stderr.columns })
  stderr.on('resize', () => stream.emit('resize'))
  return {
    stream,
    mute(muted: boolean) {
      isMuted = muted
    },
  }
}
