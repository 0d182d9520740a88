import { describe, expect, it } from 'vitest'
import { lossCurve } from '../../../src/train/loss-curve.ts'

const records = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ step: i + 1, stage: i < count / 2 ? 1 : 2, loss: 5 / (i + 1) }))

/** `M1,2L3,4` -> points. */
const pointsOf = (svg: string, kind: string) =>
  (new RegExp(`class="${kind}" d="M([^"]*)"`).exec(svg)?.[1] ?? '').split('L').map((pair) => pair.split(',').map(Number))

describe('a loss curve', () => {
  it('has a point for every step, from left to right and down as the loss falls', () => {
    const points = pointsOf(lossCurve(records(50)), 'steps')
    expect(points).toHaveLength(50)
    for (let i = 1; i < points.length; i++) {
      expect(points[i]![0]!).toBeGreaterThan(points[i - 1]![0]!)
      expect(points[i]![1]!).toBeGreaterThan(points[i - 1]![1]!)
    }
  })

  it('marks where a stage begins and says its numbers in words', () => {
    const svg = lossCurve(records(40))
    expect(svg.match(/class="border"/g)).toHaveLength(1)
    expect(svg).toContain('Training loss over 40 steps, from 5 to 0.125')
  })

  it('stays small for long runs', () => {
    expect(pointsOf(lossCurve(records(100_000)), 'mean').length).toBeLessThanOrEqual(601)
  })

  it('is drawn for a single step and for a loss that does not change', () => {
    expect(lossCurve(records(1))).not.toContain('NaN')
    expect(lossCurve(records(9).map((record) => ({ ...record, loss: 0 })))).not.toContain('NaN')
  })
})
