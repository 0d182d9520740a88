import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModel, writePersona } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { randomPersonas } from '../fixtures/random-personas.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const persona = join(scratch, 'me.safetensors')
const model = 'models/respondent'

function palign(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', 'export', persona, '--model', model, ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

describe('palign export', () => {
  beforeAll(async () => {
    const loaded = await loadModel(model, { threads: 1 })
    await writePersona(persona, randomPersonas({ model: loaded, count: 1, alpha: 0.5 })[0]!)
    await loaded.dispose()
  })

  it('prints what was verified as JSON', async () => {
    const { code, stdout } = await palign('--to', 'hf', '--out', join(scratch, 'hf'), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ target: 'hf', prompt: 'none', verification: { kind: 'verified', places: 32 } })
  })

  it('ends with an error and leaves nothing where the export cannot be made', async () => {
    const out = join(scratch, 'none.gguf')
    const { code, stderr } = await palign('--to', 'gguf', '--out', out)
    expect(code).toBe(5)
    expect(stderr).toContain('--source')
    expect(readdirSync(scratch).filter((name) => name.includes('none'))).toEqual([])
  })

  it('writes files of vectors', async () => {
    expect((await palign('--to', 'svec', '--out', join(scratch, 'vectors'))).code).toBe(0)
    expect(readdirSync(join(scratch, 'vectors'))).toEqual(['me.svec'])
  })

  it.each(['control-vector', 'neuronpedia'])(
    'measures what %s is off by, and writes what hardly carries the persona only when told to',
    async (format) => {
      const out = join(scratch, format)
      const refused = await palign('--to', format, '--out', out)
      expect(refused.code).toBe(5)
      expect(refused.stderr).toMatch(/does not carry this persona: total variation to the persona 0\.\d+ .* after 8 prompts/)
      expect(existsSync(out)).toBe(false)
      const written = await palign('--to', format, '--out', out, '--approximate', '--json')
      expect(JSON.parse(written.stdout)).toMatchObject({ carries: 'approximate', measured: { prompts: 8 } })
      expect(readFileSync(join(out, readdirSync(out)[0]!), 'latin1')).toMatch(/total variation to the persona 0\.\d+/)
    },
  )
})
