import { describe, expect, it } from 'vitest'
import { drawPrompts } from '../../../../src/eval/safety/draw-prompts.ts'

const prompts = ['bread', 'soup', 'kite', 'fence', 'lock'].map((text) => ({ text }))

describe('drawn prompts', () => {
  it('do not depend on the order of the file, and a smaller draw is part of a larger one', async () => {
    const three = await drawPrompts(prompts, 3)
    expect(await drawPrompts([...prompts].reverse(), 3)).toEqual(three)
    expect((await drawPrompts(prompts, 4)).slice(0, 3)).toEqual(three)
    expect(three).not.toEqual(prompts.slice(0, 3))
  })

  it('are all of them where there are no more', async () => {
    expect((await drawPrompts(prompts, 9)).map(({ text }) => text).sort()).toEqual(['bread', 'fence', 'kite', 'lock', 'soup'])
  })
})
