/** @file One arm's answers to one task as a log of Inspect (UK AI Security Institute), version 2, JSON. */
import { mean } from '../../math/statistics.ts'
import type { Arm } from '../arm.ts'
import { unitKey } from '../units.ts'
import { withPreamble } from './answer.ts'
import { type BenchDocument, PROBLEM_MAX_TOKENS, PROBLEM_STOPS } from './documents.ts'
import { type MetricName, measure, type Response } from './measures.ts'
import { argmax, standardError } from './metrics.ts'
import type { Outcome } from './run.ts'

export interface InspectOptions {
  readonly arm: Pick<Arm, 'name' | 'system'>
  readonly outcome: Outcome
  readonly file: string
  readonly model: string
  readonly modelFingerprint: string
  readonly seed: number
  readonly limit: number | undefined
  readonly version: string
  /** When the run began and ended. */
  readonly started: Date
  readonly ended: Date
}

export async function inspectLog(options: InspectOptions): Promise<string> {
  const { arm, outcome, file, model, modelFingerprint, seed, limit, version, started, ended } = options
  const { task, responses } = outcome
  const { documents } = task
  const metrics = task.metrics.filter((metric) =>
    documents.every((document, i) => measure(metric, document, responses[i]!) !== undefined),
  )
  const id = (await unitKey({ modelFingerprint, arm: arm.name, task: task.name, started: started.toISOString() })).slice(0, 22)
  const log = {
    version: 2,
    status: 'success',
    eval: {
      eval_id: id,
      run_id: id,
      created: started.toISOString(),
      task: task.name,
      task_id: id,
      task_version: 0,
      task_args: { form: task.form, shots: task.shots },
      dataset: {
        name: task.name,
        location: file,
        samples: documents.length,
        sample_ids: documents.map(sampleId),
        shuffled: false,
      },
      model: `palign/${model}`,
      model_args: { fingerprint: modelFingerprint, arm: arm.name },
      config: { ...(limit !== undefined && { limit }), epochs: 1 },
      packages: { palign: version },
      metadata: { seed, arm: arm.name },
    },
    plan: { name: 'plan', steps: [], config: generationOf(documents) },
    results: {
      total_samples: documents.length,
      completed_samples: documents.length,
      scores: metrics.map((metric) => {
        const values = documents.map((document, i) => measure(metric, document, responses[i]!)!)
        const named = { mean: mean(values), ...(values.length > 1 && { stderr: standardError(values) }) }
        return {
          name: metric,
          scorer: metric,
          params: {},
          metrics: Object.fromEntries(Object.entries(named).map(([name, value]) => [name, { name, value, params: {} }])),
        }
      }),
    },
    stats: { started_at: started.toISOString(), completed_at: ended.toISOString(), model_usage: {} },
    samples: documents.map((document, i) => sample(document, responses[i]!, { metrics, system: arm.system, model })),
    reductions: [],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function generationOf([first]: readonly BenchDocument[]) {
  return first?.kind === 'problem' ? { temperature: 0, max_tokens: PROBLEM_MAX_TOKENS, stop_seqs: PROBLEM_STOPS } : {}
}

/** Ids of items may be whole questions; a sample is known by its place in the file. */
const sampleId = ({ row }: BenchDocument) => row + 1

interface SampleOptions {
  readonly metrics: readonly MetricName[]
  readonly system: string | undefined
  readonly model: string
}

function sample(document: BenchDocument, response: Response, { metrics, system, model }: SampleOptions) {
  const context = document.kind === 'problem' ? document.context : document.requests[0]!.context
  const choices = document.kind === 'problem' ? undefined : document.requests.map(({ continuation }) => continuation.trim())
  const answer = response.kind === 'text' ? response.text : choices![argmax(response.logLikelihoods)]!
  return {
    id: sampleId(document),
    epoch: 1,
    input: withPreamble(context, system),
    ...(choices && { choices }),
    target: targetOf(document),
    messages: [],
    output: {
      model,
      choices: [{ message: { role: 'assistant', content: answer }, stop_reason: stopReason(response) }],
    },
    scores: Object.fromEntries(
      metrics.map((metric) => [metric, { value: measure(metric, document, response)!, answer, metadata: {} }]),
    ),
    metadata: response.kind === 'text' ? {} : { log_likelihoods: response.logLikelihoods },
    store: {},
    events: [],
    model_usage: {},
    attachments: {},
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
