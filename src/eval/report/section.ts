/** @file What a report is made of: one section for each result, with facts, figures and tables. */

export interface Table {
  readonly title: string
  readonly note: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Figure {
  /** What it shows and how to read it; the Markdown has the tables in its place. */
  readonly caption: string
  /** A whole `<svg>`, or several that belong together. */
  readonly svg: string
}

export interface Section {
  readonly title: string
  /** Who and what was measured, and what the numbers must not be compared with. */
  readonly facts: readonly string[]
  readonly figures: readonly Figure[]
  readonly tables: readonly Table[]
}

export const fixed = (value: number | null | undefined, digits = 3) =>
  value === null || value === undefined || !Number.isFinite(value) ? '' : value.toFixed(digits)

export const range = (interval: readonly [number | null, number | null] | null | undefined, digits = 3) => {
  const [low, high] = interval ?? [null, null]
  return low === null || high === null ? '' : `(${low.toFixed(digits)}..${high.toFixed(digits)})`
}

/** A value with its interval. */
export const measured = (
  value:
    | { readonly value: number | null; readonly interval?: readonly [number | null, number | null] | null | undefined }
    | null
    | undefined,
  digits = 3,
) => (value === null || value === undefined ? '' : `${fixed(value.value, digits)} ${range(value.interval, digits)}`.trim())

export const percent = (share: number | null | undefined) =>
  share === null || share === undefined ? '' : `${(share * 100).toFixed(1)} %`

/** For plots: both ends or nothing. */
export function wholeInterval(
  interval: readonly [number | null, number | null] | null | undefined,
): readonly [number, number] | undefined {
  const [low, high] = interval ?? [null, null]
  return low === null || high === null ? undefined : [low, high]
}
