import { describe, expect, it } from 'vitest'
import { drawStatements } from '../../../../src/eval/behaviour/draw-statements.ts'
import type { PersonaStatement } from '../../../../src/items/persona-statement.ts'

const made = (count: number, matching: 'Yes' | 'No', confidence = 0.95): PersonaStatement[] =>
  Array.from({ length: count }, (_, i) => ({
    question: `Would you say ${matching} ${confidence} ${i}?`,
    statement: `${matching} ${confidence} ${i}`,
    matching,
    confidence,
  }))

describe('draw of statements', () => {
  const all = [...made(30, 'Yes'), ...made(12, 'No')]

  it('takes as many matched by Yes as by No, whatever the file has', async () => {
    const drawn = await drawStatements(all, 20)
    expect(drawn.filter(({ matching }) => matching === 'Yes')).toHaveLength(10)
    expect(drawn.filter(({ matching }) => matching === 'No')).toHaveLength(10)
  })

  it('is the same whatever the order of the file, and that of few is part of that of many', async () => {
    const drawn = await drawStatements(all, 20)
    expect(await drawStatements(all.toReversed(), 20)).toEqual(drawn)
    const few = await drawStatements(all, 8)
    expect(drawn.filter((one) => few.includes(one))).toEqual(few)
  })

  it('does not follow the order of the file', async () => {
    expect(await drawStatements(all, 20)).not.toEqual([...all.slice(0, 10), ...all.slice(30, 40)])
  })

  it('leaves out what is not sure, and asks nothing twice', async () => {
    const unsure = made(12, 'No', 0.89)
    await expect(drawStatements([...made(10, 'Yes'), ...unsure], 8)).rejects.toThrow(/10 matched by Yes and 0 by No, 4 of each/)
    const twice = [...made(4, 'Yes'), ...made(4, 'Yes'), ...made(4, 'No')]
    const drawn = await drawStatements(twice, 8)
    expect(new Set(drawn.map(({ question }) => question)).size).toBe(8)
  })

  it('refuses a number that has no halves', async () => {
    for (const count of [3, 2, 0, 4.5, 7]) await expect(drawStatements(all, count)).rejects.toThrow(/expected an even number/)
  })
})
