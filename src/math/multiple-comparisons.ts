/** @file p values adjusted for how many there are: Holm (1979) for families of claims, Benjamini and Hochberg (1995) for exploration. */
import { checkFinite, checkProbability } from './checks.ts'

/** Step-down: bounds the chance of any false claim. p(i) (m - i + 1), no smaller than that of a smaller p, at most 1. In the order given. */
export function holm(pValues: ArrayLike<number>): number[] {
  const order = ascendingOrder(pValues)
  const adjusted = new Array<number>(order.length)
  let largest = 0
  for (const [place, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (order.length - place) * pValues[index]!))
    adjusted[index] = largest
  }
  return adjusted
}

/** Step-up: bounds the expected share of false claims. p(i) m / i, no larger than that of a larger p. In the order given. */
export function benjaminiHochberg(pValues: ArrayLike<number>): number[] {
  const order = ascendingOrder(pValues)
  const adjusted = new Array<number>(order.length)
  let smallest = 1
  for (let place = order.length - 1; place >= 0; place--) {
    smallest = Math.min(smallest, (order.length / (place + 1)) * pValues[order[place]!]!)
    adjusted[order[place]!] = smallest
  }
  return adjusted
}

function ascendingOrder(pValues: ArrayLike<number>): number[] {
  checkFinite('p values', pValues)
  for (let i = 0; i < pValues.length; i++) checkProbability(`p value ${i}`, pValues[i]!)
  return Array.from(pValues, (_, index) => index).sort((i, j) => pValues[i]! - pValues[j]!)
}
