/**
 * @file An evaluation as logs of other tools: results and samples in the files of the Language Model Evaluation Harness (EleutherAI), and a log of
 * Inspect (UK AI Security Institute), version 2, JSON. A sample is a respondent, known by the row alone; no answer of anybody is in them.
 */
import { mean } from '../math/statistics.ts'
import { standardError } from './capability/metrics.ts'
import type { Evaluation } from './evaluate.ts'
import { sha256, unitKey } from './units.ts'

export interface SelfReportLogOptions {
  readonly evaluation: Pick<Evaluation, 'persons'>
  readonly arm: string
  readonly model: string
  readonly modelFingerprint: string
  /** What the persons come from. */
  readonly data: string
  /** Respondents in that file. */
  readonly fileRespondents: number
  readonly seed: number
  readonly version: string
  /** When the run began and ended. */
  readonly started: Date
  readonly ended: Date
}

export const SELF_REPORT_TASK = 'palign_self_report'

interface PersonSample {
  readonly row: number
  /** Sum of five mean absolute errors, and with the predictions of others minus with the own; the latter null for one respondent alone. */
  readonly error: number
  readonly gain: number | null
}

/** Lower errors and higher gains are better. */
const MEASURES = [
  { name: 'error', higherIsBetter: false },
  { name: 'gain', higherIsBetter: true },
] as const

function samplesOf({ persons }: Pick<Evaluation, 'persons'>, arm: string): PersonSample[] {
  return persons.map(({ row, errors, wrong }) => {
    const [error, other] = [errors[arm]!, wrong[arm] ?? null]
    return { row, error, gain: other === null ? null : other - error }
  })
}

/** Those that every sample has, with mean and standard error. */
function scoresOf(samples: readonly PersonSample[]) {
  return MEASURES.flatMap(({ name, higherIsBetter }) => {
    const values = samples.map((sample) => sample[name])
    if (!values.every((value) => value !== null)) return []
    return [{ name, higherIsBetter, mean: mean(values), stderr: values.length > 1 ? standardError(values) : undefined }]
  })
}

/** One file of results and one of samples. */
export async function selfReportLmEval(
  options: SelfReportLogOptions,
): Promise<{ readonly name: string; readonly text: string }[]> {
  const { evaluation, arm, model, modelFingerprint, data, fileRespondents, seed, version, ended } = options
  const samples = samplesOf(evaluation, arm)
  const scores = scoresOf(samples)
  const stamp = ended.toISOString().replaceAll(':', '-')
  const lines = await Promise.all(
    samples.map(async ({ row, error, gain }) => {
      const doc = { data, row }
      return {
        doc_id: row,
        doc,
        target: '',
        arguments: {},
        resps: [],
        filtered_resps: [],
        filter: 'none',
        metrics: scores.map(({ name }) => name),
        doc_hash: await sha256(JSON.stringify(doc, null, 2)),
        prompt_hash: await sha256(''),
        target_hash: await sha256(''),
        error,
        ...(gain !== null && { gain }),
      }
    }),
  )
  const task = <T>(value: T) => ({ [SELF_REPORT_TASK]: value })
  const results = {
    results: task({
      alias: SELF_REPORT_TASK,
      ...Object.fromEntries(
        scores.flatMap(({ name, mean: value, stderr }) => [
          [`${name},none`, value],
          [`${name}_stderr,none`, stderr ?? 'N/A'],
        ]),
      ),
    }),
    group_subtasks: task([]),
    configs: task({
      task: SELF_REPORT_TASK,
      num_fewshot: 0,
      output_type: 'multiple_choice',
      metric_list: scores.map(({ name: metric, higherIsBetter: higher_is_better }) => ({
        metric,
        aggregation: 'mean',
        higher_is_better,
      })),
      description: 'sum of five mean absolute errors on 180 held-out items of IPIP-NEO-300, and what of it is about the person',
      metadata: { version },
    }),
    versions: task(version),
    'n-shot': task(0),
    higher_is_better: task(Object.fromEntries(scores.map(({ name, higherIsBetter }) => [name, higherIsBetter]))),
    'n-samples': task({ original: fileRespondents, effective: samples.length }),
    config: {
      model: 'palign',
      model_args: { path: model, fingerprint: modelFingerprint, arm },
      limit: samples.length === fileRespondents ? null : samples.length,
      random_seed: seed,
    },
    date: ended.getTime() / 1000,
    task_hashes: task(await sha256(lines.map((line) => line.doc_hash + line.prompt_hash + line.target_hash).join(''))),
    model_source: 'palign',
    model_name: `${model}:${arm}`,
    chat_template: null,
    system_instruction: null,
  }
  return [
    { name: `results_${stamp}.json`, text: `${JSON.stringify(results, null, 2)}\n` },
    { name: `samples_${SELF_REPORT_TASK}_${stamp}.jsonl`, text: lines.map((line) => `${JSON.stringify(line)}\n`).join('') },
  ]
}

export async function selfReportInspectLog(options: SelfReportLogOptions): Promise<string> {
  const { evaluation, arm, model, modelFingerprint, data, fileRespondents, seed, version, started, ended } = options
  const samples = samplesOf(evaluation, arm)
  const id = (await unitKey({ modelFingerprint, arm, task: SELF_REPORT_TASK, started: started.toISOString() })).slice(0, 22)
  const metric = (name: string, value: number) => [name, { name, value, params: {} }]
  const log = {
    version: 2,
    status: 'success',
    eval: {
      eval_id: id,
      run_id: id,
      created: started.toISOString(),
      task: SELF_REPORT_TASK,
      task_id: id,
      task_version: 0,
      task_args: { arm },
      dataset: {
        name: 'persons',
        location: data,
        samples: samples.length,
        sample_ids: samples.map(({ row }) => row),
        shuffled: false,
      },
      model: `palign/${model}`,
      model_args: { fingerprint: modelFingerprint, arm },
      config: { ...(samples.length < fileRespondents && { limit: samples.length }), epochs: 1 },
      packages: { palign: version },
      metadata: { seed, arm },
    },
    plan: { name: 'plan', steps: [], config: {} },
    results: {
      total_samples: samples.length,
      completed_samples: samples.length,
      scores: scoresOf(samples).map(({ name, mean: value, stderr }) => ({
        name,
        scorer: name,
        params: {},
        metrics: Object.fromEntries([metric('mean', value), ...(stderr === undefined ? [] : [metric('stderr', stderr)])]),
      })),
    },
    stats: { started_at: started.toISOString(), completed_at: ended.toISOString(), model_usage: {} },
    samples: samples.map(({ row, error, gain }) => ({
      id: row,
      epoch: 1,
      input: `held-out items of the person in row ${row}`,
      target: '',
      messages: [],
      output: { model, choices: [] },
      scores: {
        error: { value: error, metadata: {} },
        ...(gain !== null && { gain: { value: gain, metadata: {} } }),
      },
      metadata: {},
      store: {},
      events: [],
      model_usage: {},
      attachments: {},
    })),
    reductions: [],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}
