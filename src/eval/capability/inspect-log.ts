/** @file One arm's answers to one task as a log of Inspect (UK AI Security Institute), version 2, JSON. */
import type { Arm } from '../arm.ts'
import { type InspectSample, inspectText } from '../logs/inspect.ts'
import { type LoggedRun, scoreOf } from '../logs/run.ts'
import { withPreamble } from './answer.ts'
import { type BenchDocument, PROBLEM_MAX_TOKENS, PROBLEM_STOPS } from './documents.ts'
import { type MetricName, measure, type Response } from './measures.ts'
import { argmax } from './metrics.ts'
import type { Outcome } from './run.ts'

export interface InspectOptions extends Omit<LoggedRun, 'arm'> {
  readonly arm: Pick<Arm, 'name' | 'system'>
  readonly outcome: Outcome
  readonly file: string
  readonly limit: number | undefined
}

export function inspectLog({ arm, outcome, file, limit, ...run }: InspectOptions): Promise<string> {
  const { task, responses } = outcome
  const { documents } = task
  const valuesOf = (metric: MetricName) => documents.map((document, i) => measure(metric, document, responses[i]!))
  const metrics = task.metrics.filter((metric) => !valuesOf(metric).includes(undefined))
  return inspectText(
    {
      name: task.name,
      args: { form: task.form, shots: task.shots },
      dataset: { name: task.name, location: file },
      limit,
      config: generationOf(documents),
      scores: metrics.map((metric) => scoreOf(metric, valuesOf(metric) as number[])),
      samples: documents.map((document, i) => sample(document, responses[i]!, metrics, arm.system)),
    },
    { ...run, arm: arm.name },
  )
}

function generationOf([first]: readonly BenchDocument[]) {
  return first?.kind === 'problem' ? { temperature: 0, max_tokens: PROBLEM_MAX_TOKENS, stop_seqs: PROBLEM_STOPS } : {}
}

/** Ids of items may be whole questions; a sample is known by its place in the file. */
const sampleId = ({ row }: BenchDocument) => row + 1

function sample(
  document: BenchDocument,
  response: Response,
  metrics: readonly MetricName[],
  system: string | undefined,
): InspectSample {
  const context = document.kind === 'problem' ? document.context : document.requests[0]!.context
  const choices = document.kind === 'problem' ? undefined : document.requests.map(({ continuation }) => continuation.trim())
  const answer = response.kind === 'text' ? response.text : choices![argmax(response.logLikelihoods)]!
  return {
    id: sampleId(document),
    input: withPreamble(context, system),
    choices,
    target: targetOf(document),
    output: { content: answer, reason: stopReason(response) },
    scores: Object.fromEntries(metrics.map((metric) => [metric, { value: measure(metric, document, response)!, answer }])),
    ...(response.kind === 'likelihoods' && { metadata: { log_likelihoods: response.logLikelihoods } }),
  }
}

function stopReason(response: Response): 'stop' | 'max_tokens' {
  return response.kind === 'text' && response.unfinished ? 'max_tokens' : 'stop'
}

function targetOf(document: BenchDocument): string | string[] {
  switch (document.kind) {
    case 'choice':
      return document.requests[document.right]!.continuation.trim()
    case 'truth':
      return document.many.flatMap(({ request, isTrue }) => (isTrue ? [document.requests[request]!.continuation.trim()] : []))
    case 'problem':
      return document.solution
    default:
      return document satisfies never
  }
}
