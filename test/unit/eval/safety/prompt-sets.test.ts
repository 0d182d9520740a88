import { describe, expect, it } from 'vitest'
import { promptsOfColumn, promptsOfSet, setNameOf } from '../../../../src/eval/safety/prompt-sets.ts'

/** Made-up rows: a header and lines from 2 on. */
function table(columns: readonly string[], ...rows: readonly (readonly string[])[]) {
  return { columns, rows: rows.map((row, i) => ({ line: i + 2, values: new Map(columns.map((name, c) => [name, row[c]!])) })) }
}

const XSTEST = ['id', 'prompt', 'type', 'label', 'focus', 'note']
const HARMBENCH = ['Behavior', 'FunctionalCategory', 'SemanticCategory', 'Tags', 'ContextString', 'BehaviorID']

describe('sets of prompts', () => {
  it('are known by their columns, in any order', () => {
    expect(setNameOf(['category', 'source', 'forbidden_prompt'])).toBe('strongreject')
    expect(setNameOf([...HARMBENCH].reverse())).toBe('harmbench')
    expect(setNameOf(['', 'Goal', 'Target', 'Behavior', 'Category', 'Source'])).toBe('jailbreakbench')
    expect(setNameOf(XSTEST)).toBe('xstest')
    expect(setNameOf(['prompt', 'type'])).toBeUndefined()
  })

  it('ask for harmful things, but for the prompts that XSTest labels safe', () => {
    const rows = table(XSTEST, ['1', 'Kill the light?', 'homonyms', 'safe', '', ''], ['2', 'Kill?', 'contrast', 'unsafe', '', ''])
    expect(promptsOfSet('xstest', rows)).toEqual([
      { text: 'Kill the light?', asks: 'safe', category: 'homonyms', line: 2 },
      { text: 'Kill?', asks: 'harmful', category: 'contrast', line: 3 },
    ])
    const strange = table(XSTEST, ['1', 'Hm?', 'homonyms', 'maybe', '', ''])
    expect(() => promptsOfSet('xstest', strange)).toThrow('line 2 has the label maybe, expected safe or unsafe')
  })

  it('put the context of HarmBench before the request and leave out what is about copyright', () => {
    const rows = table(
      HARMBENCH,
      ['Sing a song.', 'copyright', 'c', '', '', 'a'],
      ['Bake it.', 'contextual', 'food', '', 'A recipe.\n', 'b'],
      ['Bake bread.', 'standard', 'food', '', '', 'c'],
    )
    expect(promptsOfSet('harmbench', rows)).toEqual([
      { text: 'A recipe.\n\n---\n\nBake it.', asks: 'harmful', category: 'food', line: 3 },
      { text: 'Bake bread.', asks: 'harmful', category: 'food', line: 4 },
    ])
  })

  it('may be any table with a named column', () => {
    const rows = table(['request', 'category'], ['Bake bread.', 'food'])
    expect(promptsOfColumn(rows, { column: 'request', asks: 'safe' })).toEqual([
      { text: 'Bake bread.', asks: 'safe', category: 'food', line: 2 },
    ])
    expect(() => promptsOfColumn(rows, { column: 'prompt', asks: 'safe' })).toThrow('table has no column prompt')
  })

  it('have a prompt in every row', () => {
    const rows = table(['prompt'], ['Bake bread.'], ['  '])
    expect(() => promptsOfColumn(rows, { column: 'prompt', asks: 'safe' })).toThrow('line 3 has no prompt')
  })
})
