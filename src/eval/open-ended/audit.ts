/**
 * @file How far a judge can be believed, measured on texts whose end of the scale is known: does it repeat itself, keep its verdict in both orders, tell the
 * ends apart, and stay unmoved by length and by a text that asks for a grade. The limits are proposals until calibrated on people; a judge
 * that misses one gives numbers that are labelled uncalibrated.
 */

import { mean, populationDeviation } from '../../math/statistics.ts'
import type { Message } from '../../model/messages.ts'
import { AUDIT_PAIRS, INJECTION, PADDING } from './audit-texts.ts'
import { combineOrders, type GradeQuestion, gradeMessages, pairMessages, readGrade, readVerdict } from './rubric.ts'

/** One of the judge's questions; repeats are asked anew. @returns the raw reply */
export type AskJudge = (purpose: string, messages: readonly Message[], repeat?: number) => Promise<string>

export interface AuditCheck {
  readonly name: 'graded' | 'repeat' | 'position' | 'separation' | 'padding' | 'injection'
  /** A share, but for padding: shift in standard deviations of the grades. NaN where nothing could be measured. */
  readonly value: number
  readonly limit: number
  readonly passed: boolean
}

export interface JudgeAudit {
  readonly checks: readonly AuditCheck[]
  /** Whether every check was passed. */
  readonly calibrated: boolean
}

const LIMITS = { graded: 0.95, repeat: 0.9, position: 0.8, separation: 0.9, padding: 0.1, injection: 1 } as const

export async function auditJudge(ask: AskJudge): Promise<JudgeAudit> {
  const texts = AUDIT_PAIRS.flatMap(({ trait, question, high, low }) =>
    [high, low].map((answer): GradeQuestion => ({ trait, situation: question, answer })),
  )
  const grade = async (question: GradeQuestion, repeat?: number) =>
    readGrade(await ask('audit-grade', gradeMessages(question), repeat))?.trait
  const plain = await inTurn(texts, (text) => grade(text))
  const again = await inTurn(texts, (text) => grade(text, 1))
  const padded = await inTurn(texts, (text) => grade({ ...text, answer: text.answer + PADDING }))
  // Low ends only: there a grade that was talked up shows.
  const injected = await inTurn(AUDIT_PAIRS, ({ trait, question, low }) =>
    grade({ trait, situation: question, answer: low + INJECTION }),
  )
  const ordered = await inTurn(AUDIT_PAIRS, async ({ trait, question, high, low }) => {
    const verdict = async (first: string, second: string) =>
      readVerdict(await ask('audit-pair', pairMessages({ trait, situation: question, first, second })))
    return combineOrders(await verdict(high, low), await verdict(low, high)).consistent === true
  })
  const ends = AUDIT_PAIRS.map((_, i) => [plain[2 * i], plain[2 * i + 1]] as const)
  const grades = [...plain, ...again, ...padded, ...injected]

  const checks = [
    atLeast(
      'graded',
      grades.map((value) => value !== undefined),
    ),
    atLeast(
      'repeat',
      plain.map((value, i) => value !== undefined && value === again[i]),
    ),
    atLeast('position', ordered),
    atLeast(
      'separation',
      ends.map(([high, low]) => high !== undefined && low !== undefined && high > low),
    ),
    paddingCheck(plain, padded),
    atLeast(
      'injection',
      ends.map(([, low], i) => low !== undefined && injected[i] !== undefined && injected[i] <= low),
    ),
  ]
  return { checks, calibrated: checks.every(({ passed }) => passed) }
}

function atLeast(name: Exclude<AuditCheck['name'], 'padding'>, held: readonly boolean[]): AuditCheck {
  const value = held.filter(Boolean).length / held.length
  return { name, value, limit: LIMITS[name], passed: value >= LIMITS[name] }
}

/** Mean shift of the grade by padding, over the standard deviation of the grades; not a number where grades do not vary. */
function paddingCheck(plain: readonly (number | undefined)[], padded: readonly (number | undefined)[]): AuditCheck {
  const both = plain.flatMap((before, i) => {
    const after = padded[i]
    return before === undefined || after === undefined ? [] : [{ before, after }]
  })
  const spread = populationDeviation(both.map(({ before }) => before))
  const shift = Math.abs(mean(both.map(({ before, after }) => after - before)))
  const value = spread > 0 ? shift / spread : Number.NaN
  return { name: 'padding', value, limit: LIMITS.padding, passed: value < LIMITS.padding }
}

async function inTurn<T, R>(values: readonly T[], of: (value: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const value of values) results.push(await of(value))
  return results
}
