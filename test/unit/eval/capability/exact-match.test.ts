import { describe, expect, it } from 'vitest'
import { FILTERS, INVALID, isExactMatch } from '../../../../src/eval/capability/exact-match.ts'

const { 'strict-match': strict, 'flexible-extract': flexible } = FILTERS

describe('extraction of a number', () => {
  it.each([
    ['6 + 6 = 12\n#### 12', '12', '12'],
    ['#### 3 and later #### 4', '3', '4'],
    ['It costs $1,250.', INVALID, '$1,250.'],
    ['She is -7 degrees', INVALID, '-7'],
    ['####12', INVALID, '12'],
    ['no number', INVALID, INVALID],
    ['five of 8 boxes...', INVALID, '...'],
  ])('of %j is strictly %j and flexibly %j', (text, strictly, flexibly) => {
    expect([strict(text), flexible(text)]).toEqual([strictly, flexibly])
  })
})

describe('exact match', () => {
  const solution = 'He has 1,000 + 250.\n#### 1,250'

  it('disregards commas, $ and a final period, and of a solution everything before its result', () => {
    for (const text of ['1250', '$1,250', '1,250.']) expect(isExactMatch(text, solution)).toBe(true)
    for (const text of ['1250.0', '250', '']) expect(isExactMatch(text, solution)).toBe(false)
  })

  it('never holds for what was not found', () => {
    expect(isExactMatch(INVALID, solution)).toBe(false)
  })
})
