import { describe, expect, it } from 'vitest'
import { adamW, learningRateAt } from '../../../src/train/adamw.ts'

const always = () => true
const single = (values: readonly number[]) => new Map([['w', Float32Array.from(values)]])

describe('the learning rate', () => {
  const schedule = { learningRate: 2, warmupSteps: 4, totalSteps: 14, finalFraction: 0.1 }

  it('rises linearly to its peak', () => {
    expect([0, 1, 2, 3].map((step) => learningRateAt(step, schedule))).toEqual([0.5, 1, 1.5, 2])
  })

  it('falls by a cosine to its final fraction, and stays there', () => {
    expect(learningRateAt(4, schedule)).toBe(2)
    expect(learningRateAt(9, schedule)).toBeCloseTo(2 * (0.1 + 0.9 / 2), 12)
    expect(learningRateAt(14, schedule)).toBeCloseTo(0.2, 12)
    expect(learningRateAt(1000, schedule)).toBeCloseTo(0.2, 12)
  })

  it('is constant without an end', () => {
    expect(learningRateAt(1e6, { learningRate: 3 })).toBe(3)
  })
})

describe('AdamW', () => {
  it('moves every parameter by the learning rate against the sign of its gradient in the first step', () => {
    const parameters = single([1, 1, 1])
    const { gradientNorm } = adamW({ parameters, decays: always, learningRate: 0.1, clipNorm: 100 }).update(single([3, -4, 0]), 1)
    expect(gradientNorm).toBeCloseTo(5, 6)
    expect([...parameters.get('w')!].map((x) => Number(x.toFixed(5)))).toEqual([0.9, 1.1, 1])
  })

  // Worked by hand from the paper's algorithm 2: betas .5 and .5, gradients 1 then 3, no decay.
  it('weighs moments as the algorithm does', () => {
    const parameters = single([0])
    const optimiser = adamW({ parameters, decays: always, learningRate: 1, clipNorm: 100, betas: [0.5, 0.5] })
    optimiser.update(single([1]), 1)
    optimiser.update(single([3]), 1)
    const [m, v] = [(0.5 * 0.5 + 0.5 * 3) / 0.75, (0.5 * 0.5 + 0.5 * 9) / 0.75]
    expect(parameters.get('w')![0]).toBeCloseTo(-1 - m / Math.sqrt(v), 5)
  })

  it('decays apart from the gradient, and only what decays', () => {
    const parameters = new Map([...single([2]), ['norm', Float32Array.of(2)] as const])
    const gradients = new Map([...single([0]), ['norm', Float32Array.of(0)] as const])
    adamW({ parameters, decays: (name) => name === 'w', learningRate: 0.1, weightDecay: 0.5 }).update(gradients, 1)
    expect(parameters.get('w')![0]).toBeCloseTo(2 * (1 - 0.05), 6)
    expect(parameters.get('norm')![0]).toBe(2)
  })

  it('clips by the norm of the whole gradient', () => {
    const moments = (gradient: readonly number[]) => {
      const optimiser = adamW({ parameters: single([0, 0]), decays: always, learningRate: 1, clipNorm: 1 })
      optimiser.update(single(gradient), 1)
      return [...optimiser.firstMoments.get('w')!]
    }
    expect(moments([30, 40])[0]).toBeCloseTo(0.1 * 0.6, 6)
    expect(moments([0.3, 0.4])[0]).toBeCloseTo(0.1 * 0.3, 6)
  })

  it('changes nothing where the gradient is not finite', () => {
    const parameters = single([1, 2])
    const optimiser = adamW({ parameters, decays: always, learningRate: 1 })
    expect(optimiser.update(single([1, Number.NaN]), 1).gradientNorm).toBeNaN()
    expect([...parameters.get('w')!]).toEqual([1, 2])
    expect(optimiser.step).toBe(0)
  })

  it('goes on from its state as if it had never stopped', () => {
    const gradients = [
      [1, -2],
      [0.5, 4],
      [3, 1],
    ].map(single)
    const whole = single([1, 1])
    const one = adamW({ parameters: whole, decays: always, learningRate: 0.1, totalSteps: 3 })
    for (const gradient of gradients) one.update(gradient, 1)

    const halves = single([1, 1])
    const first = adamW({ parameters: halves, decays: always, learningRate: 0.1, totalSteps: 3 })
    first.update(gradients[0]!, 1)
    const second = adamW({ parameters: halves, decays: always, learningRate: 0.1, totalSteps: 3, state: first })
    second.update(gradients[1]!, 1)
    second.update(gradients[2]!, 1)
    expect(halves).toEqual(whole)
  })
})
