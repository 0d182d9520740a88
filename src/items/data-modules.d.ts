/** @file Types of the JSON modules in data/ that ship with the package. */

declare module '*/data/ipip-neo.json' {
  const bank: {
    readonly source: string
    readonly licence: string
    readonly facets: Readonly<Record<string, string>>
    /** itemNumber, shortNumber (0: not in the 120), keying and facet, text */
    readonly items: readonly (readonly [number, number, string, string])[]
  }
  export default bank
}
