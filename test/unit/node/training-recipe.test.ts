import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readRecipe } from '../../../src/node/training-recipe.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-recipe-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function recipe(...stages: unknown[]) {
  const path = join(scratch, 'recipe.json')
  writeFileSync(path, JSON.stringify({ stages }))
  return readRecipe(path)
}

describe('a recipe', () => {
  it('finds its data beside itself', async () => {
    expect(await recipe({ data: ['a.jsonl', '/b.jsonl'], steps: 5, learningRate: 0.01 })).toEqual([
      { data: [join(scratch, 'a.jsonl'), '/b.jsonl'], steps: 5, learningRate: 0.01 },
    ])
  })

  it.each([
    ['an unknown field', { data: ['a'], steps: 5, rate: 1 }, /stages\.0: .*rate/],
    ['no length', { data: ['a'] }, /either steps or epochs/],
    ['two lengths', { data: ['a'], steps: 1, epochs: 1 }, /either steps or epochs/],
    ['no data', { data: [], steps: 1 }, /stages\.0\.data/],
    ['a learning rate of 0', { data: ['a'], steps: 1, learningRate: 0 }, /stages\.0\.learningRate/],
  ])('is refused with %s', async (_, stage, message) => {
    await expect(recipe(stage)).rejects.toThrow(message)
  })
})
