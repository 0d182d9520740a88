/** @file Detector of answers that say nothing: nearly the same option for every item (evaluation protocol, section 3). */

/** People spread their answers: the smallest entropy among the 300 test persons is .69 nat, the largest share of one option 71 %. */
const LEAST_ENTROPY = 0.6
const LARGEST_SHARE = 0.8

/** Whether whole answers 1..5 to many items have collapsed to one option. */
export function isCollapsed(answers: ArrayLike<number>): boolean {
  const counts = new Map<number, number>()
  for (let i = 0; i < answers.length; i++) counts.set(answers[i]!, (counts.get(answers[i]!) ?? 0) + 1)
  const shares = [...counts.values()].map((count) => count / answers.length)
  const entropy = shares.reduce((sum, share) => sum - share * Math.log(share), 0)
  return entropy < LEAST_ENTROPY || Math.max(...shares) > LARGEST_SHARE
}

/** How many rows of `[respondents, items]` have collapsed. */
export function collapsedRows(predictions: Float32Array, items: number): number {
  let collapsed = 0
  for (let start = 0; start < predictions.length; start += items)
    if (isCollapsed(predictions.subarray(start, start + items))) collapsed++
  return collapsed
}
