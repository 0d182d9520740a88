import { describe, expect, it } from 'vitest'
import { distinctShare, nGrams, wordsOf } from '../../../src/eval/n-grams.ts'

describe('n-grams', () => {
  it('are made of words without case and punctuation, apostrophes inside kept', () => {
    expect(wordsOf("Don't stop: it’s 7 o'clock!")).toEqual(["don't", 'stop', "it's", '7', "o'clock"])
    expect(wordsOf('Žluť élan')).toEqual(['žluť', 'élan'])
    expect(wordsOf('... --')).toEqual([])
  })

  it('number the words less n, plus one', () => {
    expect(nGrams(['a', 'b', 'c'], 2)).toHaveLength(2)
    expect(nGrams(['a', 'b'], 3)).toEqual([])
    expect(nGrams(['a b', 'c'], 2)).not.toEqual(nGrams(['a', 'b c'], 2))
  })

  it('are distinct by share: all, and one of four', () => {
    expect(distinctShare(['a', 'b', 'c'])).toBe(1)
    expect(distinctShare(['a', 'a', 'a', 'a'])).toBe(0.25)
    expect(distinctShare([])).toBeNaN()
  })
})
