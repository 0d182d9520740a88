/**
 * @file An evaluation as logs of other tools: files of the Language Model Evaluation Harness, a log of Inspect. A sample is a respondent, known by the
 * row alone; no answer of anybody is in them.
 */
import type { Evaluation } from './evaluate.ts'
import { inspectText } from './logs/inspect.ts'
import { lmEvalTexts, type TextFile } from './logs/lm-eval.ts'
import { type LoggedRun, scoreOf } from './logs/run.ts'
import { sha256 } from './units.ts'

export interface SelfReportLogOptions extends LoggedRun {
  readonly evaluation: Pick<Evaluation, 'persons'>
  /** What the persons come from. */
  readonly data: string
  /** Respondents in that file. */
  readonly fileRespondents: number
}

export const SELF_REPORT_TASK = 'palign_self_report'
const DESCRIPTION = 'sum of five mean absolute errors on 180 held-out items of IPIP-NEO-300, and what of it is about the person'

interface PersonSample {
  readonly row: number
  /** Sum of five mean absolute errors, and with the predictions of others minus with the own; the latter absent for one respondent alone. */
  readonly measures: Readonly<Record<string, number>>
}

/** Lower errors and higher gains are better. */
const MEASURES = [
  { name: 'error', isHigherBetter: false },
  { name: 'gain', isHigherBetter: true },
] as const

function samplesOf({ evaluation, arm }: SelfReportLogOptions): PersonSample[] {
  return evaluation.persons.map(({ row, errors, wrong }) => {
    const [error, other] = [errors[arm]!, wrong[arm] ?? null]
    return { row, measures: { error, ...(other !== null && { gain: other - error }) } }
  })
}

/** Of the measures that every sample has. */
function scoresOf(samples: readonly PersonSample[]) {
  return MEASURES.flatMap(({ name, isHigherBetter }) => {
    const values = samples.flatMap(({ measures }) => measures[name] ?? [])
    return values.length < samples.length ? [] : [{ ...scoreOf(name, values), isHigherBetter, filter: 'none' }]
  })
}

function limitOf({ evaluation, fileRespondents }: SelfReportLogOptions): number | undefined {
  return evaluation.persons.length < fileRespondents ? evaluation.persons.length : undefined
}

/** One file of results and one of samples. */
export async function selfReportLmEval(options: SelfReportLogOptions): Promise<TextFile[]> {
  const { data, fileRespondents } = options
  const people = samplesOf(options)
  const scores = scoresOf(people)
  const samples = people.map(async ({ row, measures }) => ({
    doc_id: row,
    doc: { data, row },
    target: '',
    arguments: {},
    resps: [],
    filtered_resps: [],
    filter: 'none',
    metrics: scores.map(({ name }) => name),
    doc_hash: await sha256(JSON.stringify({ data, row }, null, 2)),
    prompt_hash: await sha256(''),
    target_hash: await sha256(''),
    ...measures,
  }))
  const task = {
    name: SELF_REPORT_TASK,
    shots: 0,
    generates: false,
    description: DESCRIPTION,
    scores,
    original: fileRespondents,
    effective: people.length,
    samples: await Promise.all(samples),
  }
  return lmEvalTexts([task], { ...options, system: undefined, limit: limitOf(options) })
}

export function selfReportInspectLog(options: SelfReportLogOptions): Promise<string> {
  const people = samplesOf(options)
  const samples = people.map(({ row, measures }) => ({
    id: row,
    input: `held-out items of the person in row ${row}`,
    target: '',
    scores: Object.fromEntries(Object.entries(measures).map(([name, value]) => [name, { value }])),
  }))
  const task = {
    name: SELF_REPORT_TASK,
    args: { arm: options.arm },
    dataset: { name: 'persons', location: options.data },
    limit: limitOf(options),
    config: {},
    scores: scoresOf(people),
    samples,
  }
  return inspectText(task, options)
}
