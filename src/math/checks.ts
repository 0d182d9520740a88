/** @file What statistical functions ask of their input; each check throws a PalignError 'invalid-input' that says what was found. */
import { PalignError } from '../errors.ts'

/** At least `minimum` numbers, all finite. */
export function checkFinite(name: string, values: ArrayLike<number>, minimum = 1): void {
  if (values.length < minimum) {
    throw new PalignError('invalid-input', `${name} hold ${values.length} numbers, expected at least ${minimum}`)
  }
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new PalignError('invalid-input', `${name} hold ${values[i]} at ${i}, expected a finite number`)
  }
}

/** Two lists of finite numbers, equally long, at least `minimum`. */
export function checkPaired(a: ArrayLike<number>, b: ArrayLike<number>, minimum = 1): void {
  if (a.length !== b.length) {
    throw new PalignError('invalid-input', `lists have ${a.length} and ${b.length} numbers, expected equally many`)
  }
  checkFinite('values', a, minimum)
  checkFinite('values', b, minimum)
}

/** A whole number from `minimum` to `maximum`. */
export function checkCount(name: string, count: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(count) && count >= minimum && count <= maximum) return
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
  throw new PalignError('invalid-input', `${name} is ${count}, expected a whole number ${range}`)
}

/** A number above 0 and below 1. */
export function checkLevel(name: string, level: number): void {
  if (level > 0 && level < 1) return
  throw new PalignError('invalid-input', `${name} is ${level}, expected a number between 0 and 1, both excluded`)
}

/** A number from 0 to 1. */
export function checkProbability(name: string, probability: number): void {
  if (probability >= 0 && probability <= 1) return
  throw new PalignError('invalid-input', `${name} is ${probability}, expected a number from 0 to 1`)
}

/** A finite number above 0. */
export function checkPositive(name: string, value: number): void {
  if (value > 0 && value < Number.POSITIVE_INFINITY) return
  throw new PalignError('invalid-input', `${name} is ${value}, expected a finite number above 0`)
}

/** A finite number. */
export function checkNumber(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new PalignError('invalid-input', `${name} is ${value}, expected a finite number`)
}
