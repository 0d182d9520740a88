/** @file A log of Inspect (UK AI Security Institute), version 2, JSON: what all our logs have in common. */
import { unitKey } from '../units.ts'
import type { LoggedRun, Score } from './run.ts'

export interface InspectTask {
  readonly name: string
  readonly args: object
  readonly dataset: { readonly name: string; readonly location: string }
  /** Samples of the set that were asked at most; undefined for all. */
  readonly limit: number | undefined
  /** Settings of generation. */
  readonly config: object
  readonly scores: readonly Score[]
  readonly samples: readonly InspectSample[]
}

export interface InspectSample {
  readonly id: number
  readonly input: string
  readonly choices?: readonly string[] | undefined
  readonly target: string | readonly string[]
  /** What was said, and why it ended. */
  readonly output?: { readonly content: string; readonly reason: 'stop' | 'max_tokens' } | undefined
  readonly scores: Readonly<Record<string, { readonly value: number; readonly answer?: string | undefined }>>
  readonly metadata?: object | undefined
}

export async function inspectText(task: InspectTask, run: LoggedRun): Promise<string> {
  const { arm, model, modelFingerprint, seed, version, started, ended } = run
  const id = (await unitKey({ modelFingerprint, arm, task: task.name, started: started.toISOString() })).slice(0, 22)
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
      task_args: task.args,
      dataset: {
        ...task.dataset,
        samples: task.samples.length,
        sample_ids: task.samples.map((sample) => sample.id),
        shuffled: false,
      },
      model: `palign/${model}`,
      model_args: { fingerprint: modelFingerprint, arm },
      config: { ...(task.limit !== undefined && { limit: task.limit }), epochs: 1 },
      packages: { palign: version },
      metadata: { seed, arm },
    },
    plan: { name: 'plan', steps: [], config: task.config },
    results: {
      total_samples: task.samples.length,
      completed_samples: task.samples.length,
      scores: task.scores.map(scoreEntry),
    },
    stats: { started_at: started.toISOString(), completed_at: ended.toISOString(), model_usage: {} },
    samples: task.samples.map((sample) => sampleEntry(sample, model)),
    reductions: [],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function scoreEntry({ name, mean, stderr }: Score) {
  const metric = (of: string, value: number) => [of, { name: of, value, params: {} }]
  const metrics = [metric('mean', mean), ...(stderr === undefined ? [] : [metric('stderr', stderr)])]
  return { name, scorer: name, params: {}, metrics: Object.fromEntries(metrics) }
}

function sampleEntry({ id, input, choices, target, output, scores, metadata = {} }: InspectSample, model: string) {
  const said = output && [{ message: { role: 'assistant', content: output.content }, stop_reason: output.reason }]
  return {
    id,
    epoch: 1,
    input,
    ...(choices && { choices }),
    target,
    messages: [],
    output: { model, choices: said ?? [] },
    scores: Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, { ...score, metadata: {} }])),
    metadata,
    store: {},
    events: [],
    model_usage: {},
    attachments: {},
  }
}
