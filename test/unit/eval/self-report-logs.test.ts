import { describe, expect, it } from 'vitest'
import { type SelfReportLogOptions, selfReportInspectLog, selfReportLmEval } from '../../../src/eval/self-report-logs.ts'

const persons = [
  { row: 3, errors: { pas: 2, unchanged: 9 }, wrong: { pas: 5, unchanged: 9 } },
  { row: 8, errors: { pas: 4, unchanged: 9 }, wrong: { pas: 5, unchanged: 9 } },
]
const options: SelfReportLogOptions = {
  evaluation: { persons },
  arm: 'pas',
  model: 'respondent',
  modelFingerprint: 'f'.repeat(64),
  data: 'people.json',
  fileRespondents: 10,
  seed: 1,
  version: '0.1.0',
  started: new Date('2026-01-02T03:04:05Z'),
  ended: new Date('2026-01-02T03:05:05Z'),
}

describe('logs of an evaluation', () => {
  it('have the error and the gain of the arm with standard errors, as the harness writes results', async () => {
    const [results] = await selfReportLmEval(options)
    expect(results!.name).toBe('results_2026-01-02T03-05-05.000Z.json')
    // Errors 2 and 4: mean 3, s = sqrt 2, over sqrt 2 it is 1. Gains 3 and 1 likewise.
    expect(JSON.parse(results!.text)).toMatchObject({
      results: { palign_self_report: { 'error,none': 3, 'error_stderr,none': 1, 'gain,none': 2, 'gain_stderr,none': 1 } },
      higher_is_better: { palign_self_report: { error: false, gain: true } },
      'n-samples': { palign_self_report: { original: 10, effective: 2 } },
      config: { limit: 2, model_args: { arm: 'pas' } },
    })
  })

  it('know a person by the row alone', async () => {
    const [, samples] = await selfReportLmEval(options)
    const lines = samples!.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ doc_id, doc, error, gain }) => ({ doc_id, doc, error, gain }))).toEqual([
      { doc_id: 3, doc: { data: 'people.json', row: 3 }, error: 2, gain: 3 },
      { doc_id: 8, doc: { data: 'people.json', row: 8 }, error: 4, gain: 1 },
    ])
  })

  it('are one log of Inspect with a sample for each person', async () => {
    expect(JSON.parse(await selfReportInspectLog(options))).toMatchObject({
      version: 2,
      status: 'success',
      eval: { task: 'palign_self_report', model: 'palign/respondent', dataset: { samples: 2, sample_ids: [3, 8] } },
      results: {
        scores: [
          { name: 'error', metrics: { mean: { value: 3 }, stderr: { value: 1 } } },
          { name: 'gain', metrics: { mean: { value: 2 } } },
        ],
      },
      samples: [{ id: 3, scores: { error: { value: 2 }, gain: { value: 3 } } }, { id: 8 }],
    })
  })

  it('leave out the gain of one person alone, which there is none of', async () => {
    const alone = { ...options, evaluation: { persons: [{ ...persons[0]!, wrong: { pas: null } }] } }
    const [results] = await selfReportLmEval(alone)
    expect(JSON.parse(results!.text).results.palign_self_report).toEqual({
      alias: 'palign_self_report',
      'error,none': 2,
      'error_stderr,none': 'N/A',
    })
  })
})
