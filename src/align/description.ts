/**
 * @file A description of a person in words, written from their known answers: the offline counterpart of the texts that the paper had a large
 * model write. One sentence a facet, in the order of the facets in the known items; what was not answered is not described.
 */
import { FACET_WORDS, type FacetWords } from '../items/facet-words.ts'
import type { KnownItems } from '../items/item-split.ts'
import { flipIfMinus, type Item } from '../items/questionnaire.ts'
import { mean } from '../math/statistics.ts'
import type { Respondent } from '../people/respondent.ts'

/** The keyed mean of a facet is rounded half up to a level of five. */
export function describeRespondent(respondent: Respondent, known: KnownItems): string {
  const facets = [...new Set(known.items.map(({ facet }) => facet))]
  const sentences = facets.flatMap((facet) => {
    const words = facet === undefined ? undefined : FACET_WORDS[facet]
    const answers = known.items.flatMap((item) => (item.facet === facet ? keyedAnswer(respondent, item) : []))
    return words === undefined || answers.length === 0 ? [] : [sentence(words, Math.floor(mean(answers) + 0.5))]
  })
  return sentences.join(' ')
}

function keyedAnswer({ answers }: Respondent, item: Item): number[] {
  const answer = answers.byItem.get(item.itemNumber)
  return answer === undefined ? [] : [flipIfMinus(answer, item.keying)]
}

function sentence({ high, low }: FacetWords, level: number): string {
  switch (level) {
    case 5:
      return `You are very ${high[0]}.`
    case 4:
      return `You are rather ${high[0]}.`
    case 2:
      return `You are rather ${low[0]}.`
    case 1:
      return `You are very ${low[0]}.`
    default:
      return `You are neither very ${high[0]} nor very ${low[0]}.`
  }
}
