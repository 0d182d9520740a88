/** @file The claims among the rows of a result: p values that are judged together. */
import { holm } from '../math/multiple-comparisons.ts'

/** The rows, those of the family with their p adjusted by Holm beside it. */
export function withFamily<Row extends { readonly mcnemar?: { readonly p: number | null } | undefined }>(
  rows: readonly Row[],
  isClaim: (row: Row) => boolean,
): Row[] {
  const claims = rows.filter((row) => row.mcnemar !== undefined && isClaim(row))
  const adjusted = claims.length === 0 ? [] : holm(claims.map(({ mcnemar }) => mcnemar!.p!))
  return rows.map((row) => {
    const place = claims.indexOf(row)
    return place < 0 ? row : { ...row, mcnemar: { ...row.mcnemar!, pHolm: adjusted[place]! } }
  })
}
