import { describe, expect, it } from 'vitest'
import { chatTokenizer } from '../../../src/node/chat-tokenizer.ts'
import { byteTokenizerJson } from '../../fixtures/byte-tokenizer.ts'

const merging = chatTokenizer(
  byteTokenizerJson(
    [],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['ab', 'cd'],
    ],
  ),
  {},
  undefined,
)
const weighted = (...parts: (readonly [string, number])[]) =>
  merging.encodeWeighted(parts.map(([text, weight]) => ({ text, weight })))

describe('weights of parts', () => {
  it('follow the tokens of each part where none reaches over a border', () => {
    const { tokens, weights } = weighted(['ab', 0.5], ['xy', 1], ['cd', 0])
    expect(tokens).toEqual(merging.encode('abxycd'))
    expect(weights).toEqual([0.5, 1, 1, 0])
  })

  it('give a token over a border the weight of the later part, and leave the tokens of the text as they are', () => {
    const { tokens, weights } = weighted(['xab', 0.25], ['cdy', 1], ['z', 0])
    expect(tokens).toEqual(merging.encode('xabcdyz'))
    expect(weights).toEqual([0.25, 1, 1, 0])
  })

  it('find their way back behind such a token', () => {
    const { weights } = weighted(['a', 0.1], ['b', 0.2], ['x', 0.3], ['ab', 0.4], ['cd', 0.5], ['y', 0.6])
    // ab, x, abcd, y
    expect(weights).toEqual([0.2, 0.3, 0.5, 0.6])
  })

  it('count characters of several bytes in every byte', () => {
    expect(weighted(['ä', 1], ['€', 2]).weights).toEqual([1, 1, 2, 2, 2])
  })
})
