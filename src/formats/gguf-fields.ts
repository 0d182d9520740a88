/** @file Single values of GGUF metadata by key, as the type that a reader expects; `undefined` where the key is absent. */
import { refuseGguf } from './gguf-cursor.ts'
import type { GgufMetadata, GgufValue } from './gguf-value.ts'

/** All throw PalignError `malformed-file` for a value of another type. */
export function textField(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  return value.kind === 'string' ? value.value : refuseType(key, value, 'string')
}

/** A whole number of any integer type, 0 or more. */
export function countField(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (!/^u?int/.test(value.kind)) return refuseType(key, value, 'one integer')
  const number = Number((value as { readonly value: number | bigint }).value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  return refuseGguf(`metadata ${key} is ${number}, expected a whole number up to 2^53`)
}

/** A finite float32 or float64; a float32 as the shortest decimal that rounds to it, as its file was made of. */
export function realField(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (value.kind !== 'float32' && value.kind !== 'float64') return refuseType(key, value, 'float')
  if (!Number.isFinite(value.value)) return refuseGguf(`metadata ${key} is ${value.value}, expected a finite number`)
  return value.kind === 'float32' ? shortestDecimal(value.value) : value.value
}

export function flagField(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  return value.kind === 'bool' ? value.value : refuseType(key, value, 'bool')
}

export function textsField(metadata: GgufMetadata, key: string): readonly string[] | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  return value.kind === 'array' && value.of === 'string' ? value.values : refuseType(key, value, 'array of strings')
}

export function numbersField(metadata: GgufMetadata, key: string): readonly number[] | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (value.kind !== 'array' || value.of === 'string' || value.of === 'bool') return refuseType(key, value, 'array of numbers')
  return value.of === 'uint64' || value.of === 'int64' ? value.values.map(Number) : (value.values as readonly number[])
}

/** Nine digits tell every float32 from its neighbours. */
export function shortestDecimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits))
    if (Math.fround(decimal) === value) return decimal
  }
  return value
}

function refuseType(key: string, value: GgufValue, expected: string): never {
  const found = value.kind === 'array' ? `array of ${value.of}` : value.kind
  return refuseGguf(`metadata ${key} is of type ${found}, expected ${expected}`)
}
