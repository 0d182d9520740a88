/**
 * @file Capability in the files of the Language Model Evaluation Harness (EleutherAI). Whether a continuation is the greedy one is not computed and
 * stands as null.
 */
import type { Arm } from '../arm.ts'
import { type HarnessTask, type LmEvalRun, lmEvalTexts, type TextFile } from '../logs/lm-eval.ts'
import { scoreOf } from '../logs/run.ts'
import { sha256 } from '../units.ts'
import { withPreamble } from './answer.ts'
import { type BenchDocument, PROBLEM_MAX_TOKENS, PROBLEM_STOPS } from './documents.ts'
import { FILTERS } from './exact-match.ts'
import { filterOf, isHigherBetter, type MetricName, measure, type Response } from './measures.ts'
import type { LikelihoodRequest } from './requests.ts'
import type { Outcome } from './run.ts'
import type { Task } from './tasks.ts'

export interface LmEvalOptions extends Omit<LmEvalRun, 'arm' | 'system'> {
  readonly arm: Pick<Arm, 'name' | 'system'>
  /** Of that arm. */
  readonly outcomes: readonly Outcome[]
  /** Documents in the files, by the names of the tasks. */
  readonly originals: ReadonlyMap<string, number>
}

/** The harness's tasks that one of ours makes: TruthfulQA is two. */
interface Part {
  readonly name: string
  readonly task: Task
  readonly responses: readonly Response[]
  /** Our measures by the harness's names for measure and filter. */
  readonly metrics: readonly { readonly metric: MetricName; readonly name: string; readonly filter: string }[]
}

export async function lmEvalFiles({ arm, outcomes, originals, ...run }: LmEvalOptions): Promise<TextFile[]> {
  const tasks = outcomes.flatMap(partsOf).map(async (part): Promise<HarnessTask> => {
    const { name, task, responses, metrics } = part
    const valuesOf = (metric: MetricName) => task.documents.map((document, i) => measure(metric, document, responses[i]!)!)
    return {
      name,
      shots: task.shots,
      generates: task.documents[0]?.kind === 'problem',
      description: task.form,
      scores: metrics.map(({ metric, name: called, filter }) => ({
        ...scoreOf(called, valuesOf(metric)),
        filter,
        isHigherBetter: isHigherBetter(metric),
      })),
      original: originals.get(task.name) ?? task.documents.length,
      effective: task.documents.length,
      samples: await samplesOf(part, arm.system),
    }
  })
  return lmEvalTexts(await Promise.all(tasks), { ...run, arm: arm.name, system: arm.system })
}

function partsOf({ task, responses }: Outcome): Part[] {
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

/** A line for each document; of texts one for each filter. */
async function samplesOf({ task, responses, metrics }: Part, system: string | undefined) {
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
