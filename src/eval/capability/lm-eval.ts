/**
 * @file Results and samples in the files of the Language Model Evaluation Harness (EleutherAI): one file of results for an arm, one of samples
 * for a task. Whether a continuation is the greedy one is not computed and stands as null.
 */
import { mean } from '../../math/statistics.ts'
import type { Arm } from '../arm.ts'
import { sha256 } from '../units.ts'
import { withPreamble } from './answer.ts'
import { type BenchDocument, PROBLEM_MAX_TOKENS, PROBLEM_STOPS } from './documents.ts'
import { FILTERS } from './exact-match.ts'
import { filterOf, isHigherBetter, type MetricName, measure, type Response } from './measures.ts'
import { standardError } from './metrics.ts'
import type { LikelihoodRequest } from './requests.ts'
import type { Outcome } from './run.ts'
import type { Task } from './tasks.ts'

export interface LmEvalOptions {
  readonly arm: Pick<Arm, 'name' | 'system'>
  /** Of that arm. */
  readonly outcomes: readonly Outcome[]
  /** Documents in the files, by the names of the tasks. */
  readonly originals: ReadonlyMap<string, number>
  readonly model: string
  readonly modelFingerprint: string
  readonly seed: number
  readonly limit: number | undefined
  readonly version: string
  /** When the run ended. */
  readonly time: Date
}

export interface TextFile {
  readonly name: string
  readonly text: string
}

/** The harness's tasks that one of ours makes: TruthfulQA is two. */
interface HarnessTask {
  readonly name: string
  readonly task: Task
  readonly responses: readonly Response[]
  /** Our measures by the harness's names for measure and filter. */
  readonly metrics: readonly { readonly metric: MetricName; readonly name: string; readonly filter: string }[]
}

export async function lmEvalFiles(options: LmEvalOptions): Promise<TextFile[]> {
  const { arm, outcomes, originals, model, modelFingerprint, seed, limit, version, time } = options
  const stamp = time.toISOString().replaceAll(':', '-')
  const tasks = outcomes.flatMap(harnessTasks)
  const samples = await Promise.all(tasks.map((task) => samplesOf(task, arm.system)))
  const byTask = <T>(of: (task: HarnessTask, i: number) => T) =>
    Object.fromEntries(tasks.map((task, i) => [task.name, of(task, i)]))
  const hashes = await Promise.all(
    samples.map((lines) => sha256(lines.map((l) => l.doc_hash + l.prompt_hash + l.target_hash).join(''))),
  )
  const results = {
    results: byTask(scoresOf),
    group_subtasks: byTask(() => []),
    configs: byTask(({ name, task, metrics }) => ({
      task: name,
      num_fewshot: task.shots,
      output_type: task.documents[0]?.kind === 'problem' ? 'generate_until' : 'multiple_choice',
      metric_list: [...new Set(metrics.map((m) => m.name))].map((metric) => ({ metric, aggregation: 'mean' })),
      description: task.form,
      metadata: { version },
    })),
    versions: byTask(() => version),
    'n-shot': byTask(({ task }) => task.shots),
    higher_is_better: byTask(({ metrics }) => Object.fromEntries(metrics.map((m) => [m.name, isHigherBetter(m.metric)]))),
    'n-samples': byTask(({ task }) => ({
      original: originals.get(task.name) ?? task.documents.length,
      effective: task.documents.length,
    })),
    config: {
      model: 'palign',
      model_args: { path: model, fingerprint: modelFingerprint, arm: arm.name },
      limit: limit ?? null,
      random_seed: seed,
    },
    date: time.getTime() / 1000,
    task_hashes: byTask((_, i) => hashes[i]),
    model_source: 'palign',
    model_name: `${model}:${arm.name}`,
    chat_template: null,
    system_instruction: arm.system ?? null,
  }
  return [
    { name: `results_${stamp}.json`, text: `${JSON.stringify(results, null, 2)}\n` },
    ...tasks.map(({ name }, i) => ({
      name: `samples_${name}_${stamp}.jsonl`,
      text: samples[i]!.map((line) => `${JSON.stringify(line)}\n`).join(''),
    })),
  ]
}

function harnessTasks({ task, responses }: Outcome): HarnessTask[] {
  const named = (metrics: readonly MetricName[], name = task.name.replaceAll('-', '_')) => ({
    name,
    task,
    responses,
    metrics: metrics
      .filter((metric) => task.documents.every((document, i) => measure(metric, document, responses[i]!) !== undefined))
      .map((metric) => {
        const filter = filterOf(metric)
        if (filter !== undefined) return { metric, name: 'exact_match', filter }
        return { metric, name: metric === 'mc1' || metric === 'mc2' ? 'acc' : metric, filter: 'none' }
      }),
  })
  if (!task.metrics.includes('mc1')) return [named(task.metrics)]
  return (['mc1', 'mc2'] as const).map((metric) => named([metric], `${task.name}_${metric}`))
}

function scoresOf({ name, task, responses, metrics }: HarnessTask) {
  const entries = metrics.flatMap(({ metric, name, filter }) => {
    const values = task.documents.map((document, i) => measure(metric, document, responses[i]!)!)
    return [
      [`${name},${filter}`, mean(values)],
      [`${name}_stderr,${filter}`, Number.isNaN(standardError(values)) ? 'N/A' : standardError(values)],
    ]
  })
  return { alias: name, ...Object.fromEntries(entries) }
}

/** A line for each document; of texts one for each filter. */
async function samplesOf({ task, responses, metrics }: HarnessTask, system: string | undefined) {
  const filters = [...new Set(metrics.map(({ filter }) => filter))]
  const lines = filters.flatMap((filter) => {
    const own = metrics.filter((metric) => metric.filter === filter)
    return task.documents.map(async (document, i) => {
      const response = responses[i]!
      const asked = askedOf(document, metrics[0]!.metric, system)
      const target = targetOf(document, metrics[0]!.metric)
      const { resps, filtered } = answersOf(response, asked, filter)
      return {
        doc_id: document.row,
        doc: document.item,
        target,
        arguments: Object.fromEntries(asked.map(({ first, second }, r) => [`gen_args_${r}`, { arg_0: first, arg_1: second }])),
        resps,
        filtered_resps: filtered,
        filter,
        metrics: own.map(({ name }) => name),
        doc_hash: await sha256(JSON.stringify(document.item, null, 2)),
        prompt_hash: await sha256(asked[0]!.first),
        target_hash: await sha256(String(target)),
        ...Object.fromEntries(own.map(({ metric, name }) => [name, measure(metric, document, response)])),
      }
    })
  })
  return Promise.all(lines)
}

interface Asked {
  readonly first: string
  readonly second: string | object
  /** Which request of the document it is. */
  readonly request: number
}

function askedOf(document: BenchDocument, metric: MetricName, system: string | undefined): Asked[] {
  if (document.kind === 'problem') {
    const second = { until: PROBLEM_STOPS, do_sample: false, temperature: 0, max_gen_toks: PROBLEM_MAX_TOKENS }
    return [{ first: withPreamble(document.context, system), second, request: 0 }]
  }
  const requests = document.kind === 'choice' ? document.requests.map((_, i) => i) : requestsOf(document, metric)
  return requests.map((request) => {
    const { context, continuation } = document.requests[request] as LikelihoodRequest
    return { first: withPreamble(context, system), second: continuation, request }
  })
}

function requestsOf({ single, many }: Extract<BenchDocument, { kind: 'truth' }>, metric: MetricName): readonly number[] {
  return metric === 'mc1' ? single.requests : many.map(({ request }) => request)
}

function targetOf(document: BenchDocument, metric: MetricName): string | number {
  switch (document.kind) {
    case 'choice':
      return document.right
    case 'truth':
      return metric === 'mc1' ? document.single.right : document.many.findIndex(({ isTrue }) => isTrue)
    case 'problem':
      return document.solution
    default:
      return document satisfies never
  }
}

function answersOf(response: Response, asked: readonly Asked[], filter: string) {
  if (response.kind === 'text') {
    const extract = FILTERS[filter as keyof typeof FILTERS]
    return { resps: [[response.text]], filtered: [extract(response.text)] }
  }
  const pairs = asked.map(({ request }) => [response.logLikelihoods[request]!, null])
  return { resps: pairs.map((pair) => [pair]), filtered: pairs }
}
