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

declare module '*/data/norms-johnson.json' {
  interface Cell {
    readonly cell: string
    readonly sex: 'male' | 'female'
    /** Youngest and oldest age of the cell. */
    readonly ages: readonly [number, number]
    /** Scale code: mean and standard deviation of the raw sum. */
    readonly scales: Readonly<Record<string, readonly [number, number]>>
  }
  const norms: {
    readonly source: string
    readonly licence: string
    readonly version: string
    readonly tables: { readonly 'ipip-neo-120': readonly Cell[]; readonly 'ipip-neo-300': readonly Cell[] }
  }
  export default norms
}

declare module '*/data/norms-sd3.json' {
  interface Scale {
    /** Mean and standard deviation of the mean of nine keyed items. */
    readonly mean: number
    readonly sd: number
    readonly alpha: number
    /** Mid-rank percentiles of the raw sums 9..45. */
    readonly percentileBySum: readonly number[]
  }
  const norms: {
    readonly source: string
    readonly licence: string
    readonly version: string
    readonly respondents: number
    readonly scales: Readonly<Record<'M' | 'N' | 'P', Scale>>
  }
  export default norms
}
