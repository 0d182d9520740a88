/** @file The one error class of palign. `cli` maps the code to an exit status, `server` to an HTTP status. */

export type PalignErrorCode =
  /** A value given by the caller is outside what the function accepts. */
  | 'invalid-input'
  /** What a person answered is not enough for what is to be made of it. */
  | 'too-few-answers'
  /** A file, folder or named thing does not exist. */
  | 'not-found'
  /** Bytes or text that do not follow their format: truncated, contradictory, over a limit. */
  | 'malformed-file'
  /** Answers stored in the other coding (keyed where worded is expected, or the reverse). */
  | 'wrong-coding'
  /** A model whose configuration we cannot run exactly. */
  | 'unsupported-model'
  /** A persona fitted on another model, or for another shape. */
  | 'incompatible-persona'
  /** NaN or infinity where a finite number is needed. */
  | 'non-finite'
  /** The runtime failed, or a self-test shows that it answers wrongly. */
  | 'engine-failed'
  | 'deadline-exceeded'
  | 'aborted'

/**
 * Message: noun first, lower case, what was seen, what was expected. `hint` says what to do.
 */
export class PalignError extends Error {
  readonly code: PalignErrorCode
  readonly hint: string | undefined

  constructor(code: PalignErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PalignError'
    this.code = code
    this.hint = options.hint
  }
}

/** The same error with where it happened before its message; an error that is not ours stays as it is. */
export function errorAt(place: string, error: unknown): unknown {
  if (!(error instanceof PalignError)) return error
  const { code, message, hint } = error
  return new PalignError(code, `${place}: ${message}`, { cause: error, ...(hint !== undefined && { hint }) })
}

/** Runs a check of something that lies at a place, such as a line of a file: its errors say where. */
export function at<T>(place: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw errorAt(place, error)
  }
}

/** For loops between awaits: the one way in which palign stops on a signal. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new PalignError('aborted', 'work was aborted')
}
