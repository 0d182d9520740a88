/** @file What every command shares: data on stdout, progress and messages on stderr, exit codes. */
import { PalignError, type PalignErrorCode } from '../errors.ts'
import type { Stage } from '../eval/stage.ts'
import { writeFileAtomic } from '../node/atomic-write.ts'

const EXIT_CODES: Readonly<Record<PalignErrorCode, number>> = {
  'invalid-input': 1,
  'too-few-answers': 1,
  'not-found': 3,
  'malformed-file': 1,
  'wrong-coding': 1,
  'unsupported-model': 5,
  'incompatible-persona': 5,
  'non-finite': 1,
  'engine-failed': 1,
  'deadline-exceeded': 75,
  aborted: 130,
}

/** One clear line, and what to do about it; a stack trace only where the error is not ours. */
export function reportError(error: unknown): number {
  if (error instanceof PalignError) {
    process.stderr.write(`palign: ${error.message}\n`)
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`)
    return EXIT_CODES[error.code]
  }
  const failure = error as NodeJS.ErrnoException
  if (failure?.code?.startsWith('E') && failure.syscall !== undefined) {
    process.stderr.write(`palign: ${failure.syscall} failed: ${failure.message}\n`)
    return 1
  }
  process.stderr.write(`palign: internal error, please report it\n${failure?.stack ?? String(error)}\n`)
  return 1
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** A result: into its file first, then as JSON, or as text with a word about the file. */
export async function showResult(
  result: object,
  { out, json }: { readonly out?: string | undefined; readonly json?: boolean | undefined },
  format: () => string,
): Promise<void> {
  if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(result, null, 2)}\n`)
  if (json) {
    printJson(result)
    return
  }
  print(format())
  if (out !== undefined) note(`result written to ${out}`)
}

/** A stage of work: one line per stage, redrawn with rate and time left where stderr is a terminal. */
export function stage(name: string): Stage {
  const started = performance.now()
  const terminal = process.stderr.isTTY && process.env.TERM !== 'dumb'
  let drawn = 0
  if (!terminal) note(`${name} ...`)
  return {
    update({ done, total, forwardTokens }) {
      const now = performance.now()
      if (!terminal || (now - drawn < 100 && done < total)) return
      drawn = now
      const seconds = (now - started) / 1000
      const rate = done / seconds
      const left = done === 0 ? '' : `, ${rate.toFixed(rate < 10 ? 1 : 0)}/s, ${duration((total - done) / rate)} left`
      const spent = forwardTokens === undefined ? '' : `, ${inThousands(forwardTokens)} tokens so far`
      process.stderr.write(`\r\x1b[K${name}: ${done} of ${total}${left}${spent}`)
    },
    end() {
      if (terminal) process.stderr.write(`\r\x1b[K${name}: ${duration((performance.now() - started) / 1000)}\n`)
    },
  }
}

function inThousands(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A reader that has seen enough (head, less) closes the pipe: that is an end, not an error. */
export function endOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

/** Aborts on the first Ctrl-C, or the first of these signals; the second leaves at once. */
export function interruptSignal(...signals: readonly NodeJS.Signals[]): AbortSignal {
  const controller = new AbortController()
  const watched = signals.length === 0 ? (['SIGINT'] as const) : signals
  const interrupt = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort()
      return
    }
    // By the signal itself (130 to a shell for Ctrl-C): an exit would end threads within native calls, and those abort the process.
    for (const each of watched) process.off(each, interrupt)
    process.kill(process.pid, signal)
  }
  for (const signal of watched) process.on(signal, interrupt)
  return controller.signal
}
