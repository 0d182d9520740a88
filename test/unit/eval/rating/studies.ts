/** @file Studies for tests: made-up answers whose text tells the arm, and keys written by hand. */
import type { AnsweredPrompt } from '../../../../src/eval/rating/answers.ts'
import type { DesignOptions } from '../../../../src/eval/rating/design.ts'
import type { RatingKey } from '../../../../src/eval/rating/package.ts'
import type { Outcome, PlacedRating, Rating, Vote } from '../../../../src/eval/rating/ratings.ts'

export const DESIGN: DesignOptions = {
  raters: 3,
  overlap: 0.25,
  repeat: 0.05,
  attention: 0.05,
  seed: 918_273_645,
  version: '0.0.0',
}

/** `text` tells what the arm of that place says to a prompt. */
export function promptsOf(
  count: number,
  arms: readonly string[],
  text: (prompt: number, arm: number) => string = (prompt, arm) => `saying ${String.fromCharCode(97 + arm)} to ${prompt}`,
): AnsweredPrompt[] {
  return Array.from({ length: count }, (_, prompt) => ({
    id: `prompt-id-${prompt}`,
    prompt: `Question ${prompt}?`,
    persona: 'A quiet person.',
    texts: new Map(arms.map((arm, place) => [arm, text(prompt, place)])),
  }))
}

/** Two arms on as many prompts as there are lengths; task `left N` shows the first arm of comparison N on the left, `right N` on the right. */
export function keyOf(lengths: readonly (readonly [number, number])[]): RatingKey {
  const sides = ['left', 'right'] as const
  return {
    kind: 'rating-key',
    package: 'p1',
    version: '0.0.0',
    seed: 0,
    arms: ['a', 'b'],
    identicalTexts: 0,
    comparisons: lengths.map(([first, second], place) => ({
      id: `id-${place}`,
      first: 'a',
      second: 'b',
      lengths: [first, second],
    })),
    tasks: {
      ...Object.fromEntries(
        lengths.flatMap((_, comparison) =>
          sides.map((firstIs) => [`${firstIs} ${comparison}`, { kind: 'comparison', comparison, firstIs } as const]),
        ),
      ),
      check: { kind: 'attention', choose: 'right' },
    },
    assignments: {},
  }
}

export const placed = (rating: Omit<Rating, 'package'>, place = `line of ${rating.task} by ${rating.rater}`): PlacedRating => ({
  place,
  rating: { package: 'p1', ...rating },
})

export const vote = (rater: string, comparison: number, outcome: Outcome, first?: number, second?: number): Vote => ({
  rater,
  comparison,
  outcome,
  grades: [first, second],
})
