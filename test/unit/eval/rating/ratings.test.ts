import { describe, expect, it } from 'vitest'
import { countBallot, parseRating } from '../../../../src/eval/rating/ratings.ts'
import { keyOf, placed, vote } from './studies.ts'

const key = keyOf([
  [1, 2],
  [3, 4],
])

describe('a ballot', () => {
  it('says by the key which arm was chosen and graded', () => {
    const { votes } = countBallot(key, [
      placed({ rater: 'x', task: 'left 0', choice: 'left', left: 6, right: 1 }),
      placed({ rater: 'x', task: 'right 1', choice: 'left', left: 5, right: 2 }),
      placed({ rater: 'y', task: 'right 0', choice: 'both-bad' }),
    ])
    expect(votes).toEqual([vote('x', 0, 'first', 6, 1), vote('x', 1, 'second', 2, 5), vote('y', 0, 'both-bad')])
  })

  it('counts a comparison once for each rater, and keeps the second time apart', () => {
    const { votes, repeats } = countBallot(key, [
      placed({ rater: 'x', task: 'left 0', choice: 'left' }),
      placed({ rater: 'x', task: 'right 0', choice: 'left' }),
    ])
    expect(votes).toEqual([vote('x', 0, 'first')])
    expect(repeats).toEqual([{ before: vote('x', 0, 'first'), again: vote('x', 0, 'second') }])
  })

  it('takes for the first time what the rater was given first, whatever the order of the file', () => {
    const assigned = { ...key, assignments: { x: ['right 0', 'left 0'] } }
    const { votes } = countBallot(assigned, [
      placed({ rater: 'x', task: 'left 0', choice: 'left' }),
      placed({ rater: 'x', task: 'right 0', choice: 'left' }),
    ])
    expect(votes).toEqual([vote('x', 0, 'second')])
  })

  it('drops raters who pass over checks of attention, and says how many checks', () => {
    const ratings = [
      placed({ rater: 'x', task: 'check', choice: 'tie' }),
      placed({ rater: 'x', task: 'left 0', choice: 'left' }),
      placed({ rater: 'y', task: 'check', choice: 'right' }),
      placed({ rater: 'y', task: 'left 0', choice: 'right' }),
    ]
    const strict = countBallot(key, ratings)
    expect(strict.dropped).toEqual([{ rater: 'x', checks: 1, failed: 1 }])
    expect(strict.votes).toEqual([vote('y', 0, 'second')])
    expect(countBallot(key, ratings, { allowedFailures: 1 }).raters).toEqual(['x', 'y'])
  })

  it('refuses ratings of another package, of unknown tasks and given twice, and says where they stand', () => {
    const once = placed({ rater: 'x', task: 'left 0', choice: 'left' }, 'file a, line 1')
    const twice = { ...once, place: 'file b, line 7' }
    expect(() => countBallot(key, [once, twice])).toThrow(
      'file b, line 7 rates task left 0 by x again, first rated at file a, line 1',
    )
    const other = { place: 'file c, line 2', rating: { ...once.rating, package: 'p2' } }
    expect(() => countBallot(key, [other])).toThrow('file c, line 2 rates package p2, the key is of package p1')
    const unknown = placed({ rater: 'x', task: 'constructor', choice: 'left' }, 'file d, line 3')
    expect(() => countBallot(key, [unknown])).toThrow('file d, line 3 rates task constructor, which the key does not have')
  })

  it('takes no grade outside 1 to 6 and no unknown choice', () => {
    const rating = { package: 'p1', rater: 'x', task: 'left 0', choice: 'left', left: 6, right: 1 }
    expect(parseRating(rating)).toEqual(rating)
    expect(() => parseRating({ ...rating, left: 7 })).toThrow(/wrong left/)
    expect(() => parseRating({ ...rating, right: 0 })).toThrow(/wrong right/)
    expect(() => parseRating({ ...rating, choice: 'middle' })).toThrow(/wrong choice/)
  })
})
