import { describe, expect, it } from 'vitest'
import { sharedPrefixLength } from '../../../src/engine/shared-prefix.ts'

describe('sharedPrefixLength', () => {
  it.each([
    ['no prompt', [], 0],
    ['a single prompt, which shares with nobody', [[1, 2, 3]], 0],
    [
      'prompts that differ at once',
      [
        [1, 2],
        [2, 2],
      ],
      0,
    ],
    [
      'prompts that begin alike',
      [
        [1, 2, 3, 4],
        [1, 2, 9, 4],
        [1, 2, 3, 5],
      ],
      2,
    ],
    [
      'a prompt that is the beginning of another, which keeps its last token',
      [
        [1, 2, 3],
        [1, 2],
      ],
      1,
    ],
    [
      'equal prompts, which keep their last token',
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      2,
    ],
  ])('counts for %s', (_, prompts, expected) => {
    expect(sharedPrefixLength(prompts)).toBe(expected)
  })
})
