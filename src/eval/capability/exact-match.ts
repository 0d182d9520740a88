/** @file The number at the end of a worked solution, as the harness reads it out of GSM8K answers (Cobbe et al. 2021), strictly and flexibly. */

/** What stands for a text in which nothing was found: never right. */
export const INVALID = '[invalid]'

export const FILTERS = {
  /** The first number behind the mark that GSM8K's own solutions end with. */
  'strict-match': (text: string) => /#### (-?[0-9.,]+)/.exec(text)?.[1]?.trim() ?? INVALID,
  /** The last number anywhere. */
  'flexible-extract': (text: string) => [...text.matchAll(/(-?[$0-9.,]{2,})|(-?[0-9]+)/g)].at(-1)?.[0].trim() ?? INVALID,
} as const satisfies Record<string, (text: string) => string>

export type FilterName = keyof typeof FILTERS

/** Whether an extracted number is that of the worked solution, but for commas, $, a final period and case. */
export function isExactMatch(extracted: string, solution: string): boolean {
  return plain(extracted) === plain(solution)
}

/** Commas and $ go first, then everything up to the last `#### `, then a final period. */
function plain(text: string): string {
  return text
    .replaceAll(/[,$]/g, '')
    .replace(/^[\s\S]*#### /, '')
    .replace(/\.$/, '')
    .toLowerCase()
}
