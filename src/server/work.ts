/** @file One request that the model works on: its place, its time, what it uses, and that all of it is given back however it ends. */
import type { Context } from 'hono'
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Admission } from './admission.ts'
import { refusal } from './problems.ts'
import type { RateLimits } from './rate-limits.ts'
import { countToken } from './request-record.ts'
import type { Shelf } from './shelf.ts'

export interface RequestTimes {
  /** A whole request, waiting included. */
  readonly requestMs: number
  /** A stream that nobody reads. */
  readonly idleMs: number
  /** Between signs of life in a stream. */
  readonly pingMs: number
}

export const DEFAULT_TIMES: RequestTimes = { requestMs: 600_000, idleMs: 60_000, pingMs: 30_000 }

/** What the routes of one server share. */
export interface Services {
  readonly model: LanguageModel
  /** What the base model is called. */
  readonly name: string
  readonly shelf: Shelf
  /** Whether personas of another model are applied, and marked. */
  readonly allowModelMismatch?: boolean | undefined
  readonly admission: Admission
  readonly limits: RateLimits
  readonly times: RequestTimes
  /** Cuts what is under way when the server must end. */
  readonly stopping: AbortSignal | undefined
  /** Told of failures that clients are not told of. */
  readonly onFailure: (error: unknown) => void
}

export interface Work {
  /** Aborts when the client goes, when the time is up, and when the work ends. */
  readonly signal: AbortSignal
  countToken(): void
  /** The error to tell: that the time is up or the server stops, where that is why something else failed. */
  failureOf(error: unknown): unknown
  /** Gives everything back, once. */
  end(): void
}

export interface WorkOptions {
  readonly promptTokens: number
  readonly personas: readonly string[]
}

const stopped = () =>
  refusal({ code: 'server_is_overloaded', message: 'the server is stopping', headers: { 'retry-after': '5' } })

/** Waits for a place. @throws refusals of limits and admission; the signal's reason */
export async function beginWork(
  c: Context,
  { admission, limits, times, stopping }: Pick<Services, 'admission' | 'limits' | 'times' | 'stopping'>,
  { promptTokens, personas }: WorkOptions,
): Promise<Work> {
  const record = c.get('record')
  const caller = c.get('caller')
  record.promptTokens = promptTokens
  record.personas = personas
  const { headers, end: endHold } = await limits.begin(caller, promptTokens)
  Object.assign(record.headers, headers)
  const ended = new AbortController()
  const timeUp = new AbortController()
  const timer = setTimeout(
    () => timeUp.abort(new PalignError('deadline-exceeded', `request took longer than ${times.requestMs / 1000} s`)),
    times.requestMs,
  )
  const signal = AbortSignal.any([c.req.raw.signal, timeUp.signal, ended.signal, ...(stopping ? [stopping] : [])])
  let leave = () => {}
  let isOpen = true
  const work: Work = {
    signal,
    countToken: () => countToken(record),
    failureOf(error) {
      if (stopping?.aborted) return stopped()
      return timeUp.signal.aborted ? timeUp.signal.reason : error
    },
    end() {
      if (!isOpen) return
      isOpen = false
      clearTimeout(timer)
      ended.abort()
      leave()
      endHold()
      limits.spend(caller, record.completionTokens)
    },
  }
  try {
    leave = await admission.enter({ signal, personas })
  } catch (error) {
    work.end()
    throw work.failureOf(error)
  }
  return work
}
