import { describe, expect, it } from 'vitest'
import type { TableRow } from '../../../src/eval/table.ts'
import { formatTimeRatios, timeRatios } from '../../../src/eval/time-ratios.ts'

const row = (arm: string, optimisation: number, search: number, steps?: number) =>
  ({
    arm,
    cost: {
      optimisationSecondsPerPerson: optimisation,
      searchSecondsPerPerson: search,
      alignSecondsPerPerson: optimisation + search,
    },
    ...(steps !== undefined && { hyperparameters: { steps } }),
  }) as unknown as TableRow

describe('ratio of times', () => {
  it('is that of optimisation and search to training, and of optimisation alone', () => {
    expect(timeRatios([row('pas', 1, 3), row('dpo', 80, 0, 250)])).toEqual([
      { steering: 'pas', trained: 'dpo', steps: 250, seconds: [4, 80], ratio: 0.05, optimisationRatio: 0.0125 },
    ])
  })

  it('is given of processor time too where that was measured', () => {
    const measured = ({ cost, ...rest }: TableRow, alignProcessorSecondsPerPerson: number) =>
      ({ ...rest, cost: { ...cost, alignProcessorSecondsPerPerson } }) as TableRow
    const rows = [measured(row('pas', 1, 3), 6), measured(row('dpo', 80, 0, 250), 150)]
    expect(timeRatios(rows)[0]!.processorRatio).toBe(0.04)
    expect(formatTimeRatios(rows)).toContain('of processor time 0.0400')
  })

  it('is given for every variant of PAS beside every method that trains, and for nothing else', () => {
    const arms = ['unchanged', 'pas', 'pas:published', 'few-shot', 'dpo', 'ppo', 'ridge']
    const pairs = timeRatios(arms.map((arm) => row(arm, 1, 1))).map(({ steering, trained }) => `${steering} ${trained}`)
    expect(pairs).toEqual(['pas dpo', 'pas ppo', 'pas:published dpo', 'pas:published ppo'])
    expect(timeRatios([row('pas', 1, 1)])).toEqual([])
  })

  it('is one line each, with the steps that were taken', () => {
    expect(formatTimeRatios([row('pas', 0.5, 1.5), row('ppo', 40, 0, 25)])).toBe(
      'pas to ppo (25 steps): 0.0500 of the time per person, optimisation and search 2.00 s to 40.0 s; optimisation alone 0.0125',
    )
  })
})
