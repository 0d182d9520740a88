/** @file What logs of other tools say of a run, whatever was measured. */
import { mean, standardError } from '../../math/statistics.ts'

export interface LoggedRun {
  readonly arm: string
  readonly model: string
  readonly modelFingerprint: string
  readonly seed: number
  readonly version: string
  readonly started: Date
  readonly ended: Date
}

export interface Score {
  readonly name: string
  readonly mean: number
  /** Absent for a single value. */
  readonly stderr: number | undefined
}

export function scoreOf(name: string, values: readonly number[]): Score {
  return { name, mean: mean(values), stderr: values.length > 1 ? standardError(values) : undefined }
}
