/** @file Files of the Language Model Evaluation Harness (EleutherAI): one of results for an arm, one of samples for a task. */
import { sha256 } from '../units.ts'
import type { LoggedRun, Score } from './run.ts'

export interface TextFile {
  readonly name: string
  readonly text: string
}

export interface HarnessTask {
  readonly name: string
  readonly shots: number
  readonly generates: boolean
  readonly description: string
  /** By the harness's names for measure and filter. */
  readonly scores: readonly (Score & { readonly filter: string; readonly isHigherBetter: boolean })[]
  /** Documents in the file, and those that were asked. */
  readonly original: number
  readonly effective: number
  readonly samples: readonly HarnessSample[]
}

export type HarnessSample = Readonly<Record<string, unknown>> & {
  readonly doc_hash: string
  readonly prompt_hash: string
  readonly target_hash: string
}

export interface LmEvalRun extends LoggedRun {
  readonly system: string | undefined
  readonly limit: number | undefined
}

export async function lmEvalTexts(tasks: readonly HarnessTask[], run: LmEvalRun): Promise<TextFile[]> {
  const { arm, model, modelFingerprint, seed, version, ended, system, limit } = run
  const stamp = ended.toISOString().replaceAll(':', '-')
  const byTask = <T>(of: (task: HarnessTask, i: number) => T) =>
    Object.fromEntries(tasks.map((task, i) => [task.name, of(task, i)]))
  const hashes = await Promise.all(
    tasks.map(({ samples }) => sha256(samples.map((s) => s.doc_hash + s.prompt_hash + s.target_hash).join(''))),
  )
  const results = {
    results: byTask(({ name, scores }) => ({ alias: name, ...Object.fromEntries(scores.flatMap(scoreEntries)) })),
    group_subtasks: byTask(() => []),
    configs: byTask(({ name, shots, generates, description, scores }) => ({
      task: name,
      num_fewshot: shots,
      output_type: generates ? 'generate_until' : 'multiple_choice',
      metric_list: [...new Set(scores.map((score) => score.name))].map((metric) => ({ metric, aggregation: 'mean' })),
      description,
      metadata: { version },
    })),
    versions: byTask(() => version),
    'n-shot': byTask(({ shots }) => shots),
    higher_is_better: byTask(({ scores }) =>
      Object.fromEntries(scores.map(({ name, isHigherBetter }) => [name, isHigherBetter])),
    ),
    'n-samples': byTask(({ original, effective }) => ({ original, effective })),
    config: {
      model: 'palign',
      model_args: { path: model, fingerprint: modelFingerprint, arm },
      limit: limit ?? null,
      random_seed: seed,
    },
    date: ended.getTime() / 1000,
    task_hashes: byTask((_, i) => hashes[i]),
    model_source: 'palign',
    model_name: `${model}:${arm}`,
    chat_template: null,
    system_instruction: system ?? null,
  }
  return [
    { name: `results_${stamp}.json`, text: `${JSON.stringify(results, null, 2)}\n` },
    ...tasks.map(({ name, samples }) => ({
      name: `samples_${name}_${stamp}.jsonl`,
      text: samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''),
    })),
  ]
}

function scoreEntries({ name, filter, mean, stderr }: HarnessTask['scores'][number]) {
  return [
    [`${name},${filter}`, mean],
    [`${name}_stderr,${filter}`, stderr ?? 'N/A'],
  ]
}
