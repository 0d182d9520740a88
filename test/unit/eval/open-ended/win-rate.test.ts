import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../../src/eval/open-ended/rubric.ts'
import { combineOrders } from '../../../../src/eval/open-ended/rubric.ts'
import { winRate } from '../../../../src/eval/open-ended/win-rate.ts'

const compared = (situation: string, outcome: Verdict, answer = 'same', other = 'same') => ({
  ...{ situation, outcome, answer, other, consistent: true as boolean | undefined },
})

const opposite = { first: 'second', second: 'first', tie: 'tie' } as const

describe('win rate', () => {
  it('counts a tie as half', () => {
    const rate = winRate([compared('1', 'first'), compared('2', 'first'), compared('3', 'second'), compared('4', 'tie')])
    expect(rate).toMatchObject({ value: 2.5 / 4, ties: 1, comparisons: 4, positionConsistency: 1 })
  })

  it('has an interval over situations: of one alone there is none', () => {
    const [low, high] = winRate(['1', '2', '3', '4'].map((id, i) => compared(id, i < 3 ? 'first' : 'second'))).interval
    expect(low).toBeLessThan(0.75)
    expect(high).toBeGreaterThan(0.75)
    expect(winRate([compared('1', 'first'), compared('1', 'second')]).interval).toEqual([Number.NaN, Number.NaN])
  })

  it('tells how often both orders agreed, of those with two verdicts', () => {
    const list = [true, true, false, undefined].map((consistent, i) => ({ ...compared(`${i}`, 'tie', 'a', 'b'), consistent }))
    expect(winRate(list).positionConsistency).toBeCloseTo(2 / 3, 12)
    expect(winRate(list.slice(3)).positionConsistency).toBeUndefined()
  })
})

describe('win rate at equal length', () => {
  it('is the plain one where lengths do not differ', () => {
    // The model has its intercept only: the log-odds of 2.5 wins to 1.5 losses.
    const list = (['first', 'first', 'second', 'tie'] as const).map((outcome, i) => compared(`${i}`, outcome))
    expect(winRate(list).adjusted).toBeCloseTo(2.5 / 4, 6)
  })

  it('is one half where the longer answer always wins and both sides are longer as often', () => {
    const [long, short] = ['x'.repeat(200), 'x'.repeat(20)]
    const list = Array.from({ length: 10 }, (_, i) =>
      i % 2 === 0 ? compared(`${i}`, 'first', long, short) : compared(`${i}`, 'second', short, long),
    )
    expect(winRate(list).adjusted).toBeCloseTo(0.5, 6)
  })

  it('is one half where length explains what an arm wins by being longer more often', () => {
    const [long, short] = ['x'.repeat(200), 'x'.repeat(20)]
    // The longer one wins nine in ten, and 30 of 40 times the arm is the longer one. Log-odds are then log(9) times the side, without intercept.
    const list = Array.from({ length: 40 }, (_, i) => {
      const wins = i % 10 !== 0
      return i < 30
        ? compared(`${i}`, wins ? 'first' : 'second', long, short)
        : compared(`${i}`, wins ? 'second' : 'first', short, long)
    })
    const { value, adjusted } = winRate(list)
    expect(value).toBe(28 / 40)
    // The weak penalty keeps a little.
    expect(Math.abs(adjusted! - 0.5)).toBeLessThan(0.02)
  })

  it('leaves what list lines and exclamation marks explain', () => {
    const [lively, dull] = ['Yes! Yes!! 12', 'Yes. Yes... 1']
    const list = Array.from({ length: 12 }, (_, i) => compared(`${i}`, i < 9 ? 'first' : 'second', lively, dull))
    expect(winRate(list).adjusted).toBeCloseTo(0.75, 2)
  })

  it('turns to one minus itself when the sides change', () => {
    const texts = ['a', 'bb!', '- c\n- d', 'some more words', 'e'.repeat(90)]
    const list = texts.map((text, i) => compared(`${i}`, (['first', 'second', 'tie'] as const)[i % 3]!, text, texts[(i + 2) % 5]))
    const turned = list.map(({ outcome, answer, other, ...rest }) => ({
      ...{ ...rest, outcome: opposite[outcome], answer: other, other: answer },
    }))
    expect(winRate(turned).value).toBeCloseTo(1 - winRate(list).value, 12)
    expect(winRate(turned).adjusted).toBeCloseTo(1 - winRate(list).adjusted!, 6)
  })

  it('is missing where one side won everything', () => {
    expect(winRate([compared('1', 'first'), compared('2', 'first')])).toMatchObject({ value: 1, adjusted: undefined })
  })
})

describe('the two orders of a comparison', () => {
  it('make a verdict where they agree, a tie where they do not', () => {
    expect(combineOrders('first', 'second')).toEqual({ outcome: 'first', consistent: true })
    expect(combineOrders('second', 'first')).toEqual({ outcome: 'second', consistent: true })
    expect(combineOrders('tie', 'tie')).toEqual({ outcome: 'tie', consistent: true })
    expect(combineOrders('first', 'first')).toEqual({ outcome: 'tie', consistent: false })
    expect(combineOrders('first', 'tie')).toEqual({ outcome: 'tie', consistent: false })
  })

  it('are no comparison of orders where a verdict is missing', () => {
    expect(combineOrders(undefined, 'first')).toEqual({ outcome: 'tie', consistent: undefined })
  })
})
