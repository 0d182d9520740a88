import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { inspectLog } from '../../../../src/eval/capability/inspect-log.ts'
import { lmEvalFiles } from '../../../../src/eval/capability/lm-eval.ts'
import type { Outcome } from '../../../../src/eval/capability/run.ts'
import { gsm8kTask, questionTask, truthfulqaTask } from '../../../../src/eval/capability/tasks.ts'

const arm = { name: 'me', system: 'I am calm.' }
const common = { arm, model: 'm', modelFingerprint: 'f', seed: 3, limit: 2, version: '1' }
const [started, ended] = [new Date('2026-01-02T03:04:05Z'), new Date('2026-01-02T03:05:06Z')]

const questions: Outcome = {
  arm: 'me',
  task: questionTask('arc-challenge', [
    { id: 'one', subject: undefined, question: 'Is it?', choices: ['yes', 'nay'], answer: 1 },
    { id: 'two', subject: undefined, question: 'Or not?', choices: ['no', 'yes'], answer: 1 },
  ]),
  responses: [
    { kind: 'likelihoods', logLikelihoods: [-3, -2], cut: false },
    { kind: 'likelihoods', logLikelihoods: [-1, -2], cut: false },
  ],
}
const truths: Outcome = {
  arm: 'me',
  task: truthfulqaTask(
    [
      {
        id: 'q',
        question: 'Q?',
        mc1: [
          ['a', true],
          ['b', false],
        ],
        mc2: [
          ['a', true],
          ['c', true],
          ['b', false],
        ],
      },
    ],
    [],
  ),
  responses: [{ kind: 'likelihoods', logLikelihoods: [-1, -3, -2], cut: false }],
}
const problems: Outcome = {
  arm: 'me',
  task: gsm8kTask([{ id: 'p', question: 'P?', answer: 'so\n#### 7' }], []),
  responses: [{ kind: 'text', text: 'It is 7', unfinished: true, cut: false }],
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

describe('files of the harness', () => {
  const files = lmEvalFiles({
    ...common,
    outcomes: [questions, truths, problems],
    originals: new Map([['arc-challenge', 1172]]),
    started,
    ended,
  })
  const file = async (name: string) => (await files).find((each) => each.name === name)!.text
  const samples = async (task: string) =>
    (await file(`samples_${task}_2026-01-02T03-05-06.000Z.jsonl`))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it('are one with results and one with samples for each of its tasks', async () => {
    expect((await files).map(({ name }) => name)).toEqual([
      'results_2026-01-02T03-05-06.000Z.json',
      ...['arc_challenge', 'truthfulqa_mc1', 'truthfulqa_mc2', 'gsm8k'].map(
        (task) => `samples_${task}_2026-01-02T03-05-06.000Z.jsonl`,
      ),
    ])
  })

  it('name values and standard errors by measure and filter', async () => {
    const { results, ...rest } = JSON.parse(await file('results_2026-01-02T03-05-06.000Z.json')) as Record<string, object>
    expect(results).toMatchObject({
      arc_challenge: { 'acc,none': 0.5, 'acc_stderr,none': 0.5, 'acc_norm,none': 0.5 },
      truthfulqa_mc1: { 'acc,none': 1, 'acc_stderr,none': 'N/A' },
      gsm8k: { 'exact_match,strict-match': 0, 'exact_match,flexible-extract': 1 },
    })
    expect((results as { truthfulqa_mc2: Record<string, number> }).truthfulqa_mc2['acc,none']).toBeCloseTo(0.909969, 6)
    // Nothing was scored after nothing.
    expect(results).not.toHaveProperty(['arc_challenge', 'acc_mutual_info,none'])
    expect(rest).toMatchObject({
      'n-samples': { arc_challenge: { original: 1172, effective: 2 } },
      'n-shot': { gsm8k: 0 },
      higher_is_better: { arc_challenge: { acc: true, brier_score: false } },
      config: { limit: 2, random_seed: 3 },
      system_instruction: 'I am calm.',
    })
  })

  it('have samples with what was asked, answered and measured, and their hashes', async () => {
    const [one] = await samples('arc_challenge')
    const context = 'I am calm.\n\nQuestion: Is it?\nAnswer:'
    expect(one).toMatchObject({
      doc_id: 0,
      target: 1,
      arguments: { gen_args_0: { arg_0: context, arg_1: ' yes' }, gen_args_1: { arg_0: context, arg_1: ' nay' } },
      resps: [[[-3, null]], [[-2, null]]],
      filtered_resps: [
        [-3, null],
        [-2, null],
      ],
      filter: 'none',
      prompt_hash: hash(context),
      target_hash: hash('1'),
      acc: 1,
      acc_norm: 1,
    })
    const lines = await samples('arc_challenge')
    const { task_hashes } = JSON.parse(await file('results_2026-01-02T03-05-06.000Z.json')) as { task_hashes: object }
    const joined = lines.map(({ doc_hash, prompt_hash, target_hash }) => `${doc_hash}${prompt_hash}${target_hash}`).join('')
    expect(task_hashes).toMatchObject({ arc_challenge: hash(joined) })
  })

  it('have a line for each filter of a text, and of TruthfulQA the answers of each list', async () => {
    const lines = await samples('gsm8k')
    expect(lines.map(({ filter, filtered_resps, exact_match }) => [filter, filtered_resps, exact_match])).toEqual([
      ['strict-match', ['[invalid]'], 0],
      ['flexible-extract', ['7'], 1],
    ])
    const continuations = async (task: string) =>
      Object.values((await samples(task))[0]!.arguments as Record<string, { arg_1: string }>).map(({ arg_1 }) => arg_1)
    expect(await continuations('truthfulqa_mc1')).toEqual([' a', ' b'])
    expect(await continuations('truthfulqa_mc2')).toEqual([' a', ' c', ' b'])
  })
})

describe('log of Inspect', () => {
  const log = async (outcome: Outcome) =>
    JSON.parse(await inspectLog({ ...common, outcome, file: 'arc.jsonl', started, ended })) as Record<string, never>

  it('has version 2, the task, results and one sample for each document', async () => {
    expect(await log(questions)).toMatchObject({
      version: 2,
      status: 'success',
      eval: { task: 'arc-challenge', model: 'palign/m', dataset: { samples: 2, sample_ids: [1, 2] }, config: { limit: 2 } },
      results: {
        total_samples: 2,
        scores: [{ name: 'acc_norm', metrics: { mean: { value: 0.5 }, stderr: { value: 0.5 } } }, {}, {}, {}],
      },
      stats: { started_at: started.toISOString(), completed_at: ended.toISOString() },
      samples: [
        {
          id: 1,
          epoch: 1,
          input: 'I am calm.\n\nQuestion: Is it?\nAnswer:',
          choices: ['yes', 'nay'],
          target: 'nay',
          scores: { acc: { value: 1, answer: 'nay' } },
          metadata: { log_likelihoods: [-3, -2] },
        },
        { id: 2, scores: { acc: { value: 0, answer: 'no' } } },
      ],
    })
  })

  it('says that a text met the limit', async () => {
    expect(await log(problems)).toMatchObject({
      samples: [{ target: 'so\n#### 7', output: { choices: [{ message: { content: 'It is 7' }, stop_reason: 'max_tokens' }] } }],
    })
  })
})
