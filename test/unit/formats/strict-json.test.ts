import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PalignError } from '../../../src/errors.ts'
import { assertBoundedJson, parseStrictJson } from '../../../src/formats/strict-json.ts'

describe('strict JSON', () => {
  it('agrees with JSON.parse on what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium' }), (value) => {
        fc.pre(!/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)))
        for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
          expect(parseStrictJson(text, 'text')).toEqual(JSON.parse(text))
        }
      }),
    )
  })

  it('gives a value or a malformed-file error for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'{}[]",:\\ 1e-.tfn\n', 'true', 'null')), (parts) => {
        const text = parts.join('')
        const expected = tryParse(() => JSON.parse(text))
        const found = tryParse(() => parseStrictJson(text, 'text'))
        if (found.error !== undefined) {
          expect(found.error).toBeInstanceOf(PalignError)
          expect((found.error as PalignError).code).toBe('malformed-file')
        } else {
          expect(found.value).toEqual(expected.value)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['duplicate keys', '{"a":1,"a":2}', 'duplicate key'],
    ['duplicate keys in two spellings', '{"a":1,"\\u0061":2}', 'duplicate key'],
    ['keys that name prototypes', '{"a":{"__proto__":1}}', 'forbidden key'],
    ['numbers out of range', '[1e999]', 'number out of range'],
    ['deep nesting', '['.repeat(100_000), 'nesting deeper than 64'],
    ['text after the value', '{} {}', 'text after the value'],
    ['trailing commas', '[1,]', 'neither string'],
  ])('refuses %s', (_, text, rule) => {
    expect(() => parseStrictJson(text, 'config')).toThrow(rule)
  })
})

describe('bounds of JSON that was parsed already', () => {
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`) as unknown

  it('are those of strict JSON, but for the words of a vocabulary', () => {
    const words = JSON.parse('{"vocab":{"__proto__":1,"constructor":2,"prototype":3}}') as unknown
    for (const json of [nested(64), words, 5, null, 'text']) expect(() => assertBoundedJson(json, 'file')).not.toThrow()
  })

  it.each([
    ['deep nesting', nested(66), 'nesting deeper than 64'],
    ['nesting that would exhaust the stack', nested(1_000_000), 'nesting deeper than 64'],
    ['a number out of range', JSON.parse('{"a":[1e999]}'), 'number out of range'],
    ['an object for a prototype', JSON.parse('{"a":{"__proto__":{"b":1}}}'), 'forbidden key'],
    ['null for a prototype', JSON.parse('{"__proto__":null}'), 'forbidden key'],
  ])('refuse %s', (_, json, rule) => {
    expect(() => assertBoundedJson(json, 'file')).toThrow(rule)
  })
})

function tryParse(parse: () => unknown): { value?: unknown; error?: unknown } {
  try {
    return { value: parse() }
  } catch (error) {
    return { error }
  }
}
