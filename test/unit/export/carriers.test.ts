import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CARRIER_CELLS, chooseCarrier } from '../../../src/export/carriers.ts'

describe('table of carriers', () => {
  it('chooses the attention output where it is applied, else the values where the persona allows it', () => {
    const choose = (architecture: string, tied: boolean) => chooseCarrier({ target: 'llama.cpp', architecture, tied })
    expect(choose('llama', true)).toBe('o-bias')
    expect(choose('qwen3', true)).toBe('v-bias')
    expect(choose('never seen', false)).toBe('o-bias')
  })

  it.each([
    ['qwen3', undefined, 'load error'],
    ['ernie4_5', 'o-bias', 'ignored'],
    ['phi3', undefined, 'load error'],
  ] as const)('refuses %s (carrier %s) before anything is written, and says what would work', (architecture, wanted, outcome) => {
    const refused = () => chooseCarrier({ target: 'llama.cpp', architecture, tied: false, wanted })
    expect(refused).toThrow(expect.objectContaining({ code: 'incompatible-persona', message: expect.stringContaining(outcome) }))
    expect(refused).toThrow(expect.objectContaining({ hint: expect.stringMatching(/kv-tied|onnx/) }))
  })

  it('is the one of docs/formats.md, cell by cell', () => {
    const page =
      readFileSync(new URL('../../../docs/formats.md', import.meta.url), 'utf8').split(/<!-- \/?carrier-table -->/)[1] ?? ''
    const rows = [...page.matchAll(/^\| `([\w.-]+)` \| `([\w-]+)` \| (o-bias|v-bias) \| ([a-z ]+) \| ([a-z]+) \|$/gm)]
    const shown = rows.map(([, target, architecture, carrier, outcome, evidence]) => ({
      target,
      architecture,
      carrier,
      outcome,
      evidence,
    }))
    const key = (cell: object) => JSON.stringify(Object.entries(cell).sort())
    expect(shown.map(key).sort()).toEqual(CARRIER_CELLS.map(key).sort())
  })
})
