/**
 * @file IPIP-NEO-300: 300 public-domain statements, five domains of six facets, ten items a facet.
 * The 120 items with a short number are the IPIP-NEO-120; they are what palign knows of a person, the other 180 are held out.
 */
import bank from '../../data/ipip-neo.json' with { type: 'json' }
import type { Item, Questionnaire, Trait } from './questionnaire.ts'

export const DOMAINS = ['A', 'C', 'E', 'N', 'O'] as const
export type Domain = (typeof DOMAINS)[number]

const DOMAIN_NAMES: Readonly<Record<Domain, string>> = {
  A: 'Agreeableness',
  C: 'Conscientiousness',
  E: 'Extraversion',
  N: 'Neuroticism',
  O: 'Openness',
}

/** Labels of the answers 1..5. */
export const ACCURACY_LABELS = [
  'Very Inaccurate',
  'Moderately Inaccurate',
  'Neither Accurate Nor Inaccurate',
  'Moderately Accurate',
  'Very Accurate',
] as const

const SHORT_NUMBERS: ReadonlyMap<number, number> = new Map(
  bank.items.flatMap(([itemNumber, shortNumber]) => (shortNumber === 0 ? [] : [[itemNumber, shortNumber]])),
)

/** Number 1..120 in the short form, or undefined for an item that only the long form has. */
export function shortNumber(itemNumber: number): number | undefined {
  return SHORT_NUMBERS.get(itemNumber)
}

function itemsOf(bankItems: typeof bank.items): Item[] {
  return bankItems.map(([itemNumber, , key, text]) => ({
    itemNumber,
    text,
    keying: key.startsWith('+') ? 1 : -1,
    domain: key.slice(1, 2),
    facet: key.slice(1),
  }))
}

function traits(items: readonly Item[], key: 'domain' | 'facet', names: Readonly<Record<string, string>>): Trait[] {
  return Object.entries(names).map(([code, name]) => ({
    code,
    name,
    items: items.filter((item) => item[key] === code).map((item) => item.itemNumber),
  }))
}

function questionnaire(id: string, items: Item[]): Questionnaire {
  return {
    id,
    items,
    domains: traits(items, 'domain', DOMAIN_NAMES),
    facets: traits(items, 'facet', bank.facets),
    storedAs: 'keyed',
    answerLabels: ACCURACY_LABELS,
  }
}

/** All 300 items, in the order of the full list. */
export const IPIP_NEO_300: Questionnaire = questionnaire('ipip-neo-300', itemsOf(bank.items))

/** The 120 items of the short form, in its own order; item numbers stay those of the full list. */
export const IPIP_NEO_120: Questionnaire = questionnaire(
  'ipip-neo-120',
  itemsOf(bank.items.filter(([, short]) => short > 0).sort((a, b) => a[1] - b[1])),
)
