/** @file All kinds of jobs that a process with a model can do: those of `palign work`, and of `palign serve` beside its requests. */
import type { JobHandler } from '../store/run-jobs.ts'
import { ALIGN_JOB, type AlignJobOptions, alignJobHandler } from './align-job.ts'
import { EVALUATE_JOB, evaluateJobHandler } from './evaluate-job.ts'

export function jobHandlers(options: AlignJobOptions): Readonly<Record<string, JobHandler>> {
  return { [ALIGN_JOB]: alignJobHandler(options), [EVALUATE_JOB]: evaluateJobHandler(options) }
}
