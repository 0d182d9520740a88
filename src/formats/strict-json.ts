/**
 * @file JSON (RFC 8259) from files we do not trust. Unlike JSON.parse it refuses duplicate keys, keys that name
 * prototypes, numbers beyond double precision's range, and nesting that could exhaust the stack.
 */
import { PalignError } from '../errors.ts'

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }

/** Configurations and headers nest a few levels; 64 is far above any seen and far below the stack. */
const MAX_DEPTH = 64
const PROTOTYPE = '__proto__'
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([PROTOTYPE, 'constructor', 'prototype'])

export interface StrictJsonLimits {
  /** Elements of one list; default: as many as there is text for. */
  readonly mostElements?: number | undefined
}

/** Parses one JSON value; errors (`malformed-file`) begin with `name` and give the position in characters, never the content. */
export function parseStrictJson(
  text: string,
  name: string,
  { mostElements = Number.POSITIVE_INFINITY }: StrictJsonLimits = {},
): JsonValue {
  let at = 0

  const fail = (rule: string): never => {
    throw new PalignError('malformed-file', `${name} is not valid JSON at character ${at}: ${rule}`, {
      hint: 'fetch or export the file again',
    })
  }
  const skipSpace = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++
  }
  const take = (symbol: string): boolean => {
    skipSpace()
    if (text[at] !== symbol) return false
    at++
    return true
  }

  function parseString(): string {
    const start = at
    let end = start
    do end = text.indexOf('"', end + 1)
    while (end !== -1 && isEscaped(text, end))
    if (end === -1) return fail('string without an end')
    at = end + 1
    return parseScalar(text.slice(start, at)) as string
  }

  function parseScalar(source: string): JsonValue {
    let value: JsonValue
    try {
      value = JSON.parse(source) as JsonValue
    } catch {
      return fail('neither string, number, true, false nor null')
    }
    return typeof value === 'number' && !Number.isFinite(value) ? fail('number out of range') : value
  }

  function parseArray(depth: number): JsonValue[] {
    const values: JsonValue[] = []
    if (take(']')) return values
    do {
      if (values.length >= mostElements) fail(`list of more than ${mostElements} elements`)
      values.push(parseValue(depth))
    } while (take(','))
    return take(']') ? values : fail('array without an end')
  }

  function parseObject(depth: number): { [key: string]: JsonValue } {
    const object: { [key: string]: JsonValue } = {}
    if (take('}')) return object
    do {
      skipSpace()
      if (text[at] !== '"') fail('object key expected')
      const key = parseString()
      if (FORBIDDEN_KEYS.has(key)) fail('forbidden key')
      if (Object.hasOwn(object, key)) fail('duplicate key')
      if (!take(':')) fail('colon expected')
      object[key] = parseValue(depth)
    } while (take(','))
    return take('}') ? object : fail('object without an end')
  }

  function parseValue(depth: number): JsonValue {
    if (depth > MAX_DEPTH) fail(`nesting deeper than ${MAX_DEPTH}`)
    if (take('{')) return parseObject(depth + 1)
    if (take('[')) return parseArray(depth + 1)
    if (text[at] === '"') return parseString()
    const start = at
    while (at < text.length && !' \t\n\r,]}'.includes(text[at]!)) at++
    return parseScalar(text.slice(start, at))
  }

  const value = parseValue(0)
  skipSpace()
  return at === text.length ? value : fail('text after the value')
}

/** Whether the character is preceded by an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text[start - 1] === '\\') start--
  return (at - start) % 2 === 1
}

/**
 * Bounds for JSON that has been parsed already, where one key twice does no harm (tokenizers of 64 MB take too long otherwise): depth, finite
 * numbers, and no object under `__proto__` (a vocabulary may well have that word, with a number). @throws PalignError `malformed-file`
 */
export function assertBoundedJson(json: unknown, name: string): void {
  const refuse = (rule: string): never => {
    throw new PalignError('malformed-file', `${name} is not acceptable JSON: ${rule}`, { hint: 'fetch or export the file again' })
  }
  // Level by level, without recursion: what is nested too deeply must not exhaust the stack that says so.
  let level: unknown[] = [json]
  for (let depth = 0; level.length > 0; depth++) {
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value === 'number' && !Number.isFinite(value)) refuse('number out of range')
      if (typeof value !== 'object' || value === null) continue
      if (depth > MAX_DEPTH) refuse(`nesting deeper than ${MAX_DEPTH}`)
      if (Object.hasOwn(value, PROTOTYPE) && typeof Reflect.get(value, PROTOTYPE) === 'object') {
        refuse('forbidden key')
      }
      for (const inner of Object.values(value)) if (typeof inner !== 'string') next.push(inner)
    }
    level = next
  }
}
