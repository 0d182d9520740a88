/** @file Whole shares of a total in proportion to sizes (Hamilton's method). */

/** They add up to `total`: rounded down, then one more for the largest remainders, of equal ones the first. Without any size all are 0. */
export function largestRemainders(sizes: readonly number[], total: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  const quotas = sizes.map((size) => (all === 0 ? 0 : (size * total) / all))
  const seats = quotas.map(Math.floor)
  const left = total - seats.reduce((sum, seat) => sum + seat, 0)
  const order = quotas.map((_, i) => i).sort((a, b) => quotas[b]! - seats[b]! - (quotas[a]! - seats[a]!) || a - b)
  for (const i of order.slice(0, left)) seats[i]!++
  return seats
}
