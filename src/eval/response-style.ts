/**
 * @file How somebody answers, whatever the items are about (evaluation protocol, section 3): agreeing with everything, using the ends of the
 * scale, contradicting oneself. In wording coding; for people and models alike.
 */
import { mean, pearson } from '../math/statistics.ts'
import type { AnswerTable } from './answer-table.ts'

/** Of one respondent. */
export interface ResponseStyle {
  /** Mean over facets of the middle between the mean answers to plus and to minus items: above 3 is yes-saying. */
  readonly acquiescence: number
  /** Minus the correlation over facets of the mean answers to plus and to minus items; 0 where it is not defined. */
  readonly negationConsistency: number
  /** Share of answers 1 and 5. */
  readonly extremity: number
}

/**
 * @param values `[respondents, items]`, answers to the wording, whole or not; those of missing answers in the table are left out
 * @returns `[respondents]`; NaN where nothing was answered
 */
export function responseStyles(values: ArrayLike<number>, { items, respondents, worded }: AnswerTable): ResponseStyle[] {
  const facets = [...new Set(items.map(({ facet }) => facet))].map((facet) => ({
    plus: columnsOf(items, (item) => item.facet === facet && item.keying === 1),
    minus: columnsOf(items, (item) => item.facet === facet && item.keying === -1),
  }))
  return Array.from({ length: respondents }, (_, r) => {
    const answersTo = (columns: readonly number[]) =>
      columns.flatMap((i) => {
        const at = r * items.length + i
        return worded[at] === 0 ? [] : [values[at]!]
      })
    const halves = facets
      .map(({ plus, minus }) => [mean(answersTo(plus)), mean(answersTo(minus))] as const)
      .filter(([plus, minus]) => !Number.isNaN(plus + minus))
    const [plus, minus] = [halves.map(([first]) => first), halves.map(([, second]) => second)]
    const all = answersTo(items.map((_, i) => i))
    const correlation = pearson(plus, minus)
    return {
      acquiescence: mean(halves.map(([first, second]) => (first + second) / 2)),
      negationConsistency: correlation === undefined ? 0 : -correlation,
      extremity: all.filter((answer) => answer === 1 || answer === 5).length / all.length,
    }
  })
}

function columnsOf(items: AnswerTable['items'], isPart: (item: AnswerTable['items'][number]) => boolean): number[] {
  return items.flatMap((item, i) => (isPart(item) ? [i] : []))
}
