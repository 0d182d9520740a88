import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, simulateRespondents } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'palign-cli-'))
afterAll(() => rmSync(scratch, { recursive: true }))

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const palign = (...args: string[]) => palignWith(process.env, ...args)

function palignWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

/** Simulated persons in palign's own format. */
function answersFile(name: string, count: number): string {
  const respondents = simulateRespondents({ count, seed: 8, questionnaire: IPIP_NEO_300 })
  const path = join(scratch, name)
  const json = {
    questionnaire: 'ipip-neo-300',
    coding: 'worded',
    respondents: respondents.map(({ answers, age }) => ({ sex: 'female', age, answers: Object.fromEntries(answers.byItem) })),
  }
  writeFileSync(path, JSON.stringify(json))
  return path
}

const model = 'models/respondent'
const people = answersFile('people.json', 12)
const persona = join(scratch, 'me.safetensors')

describe('palign', () => {
  it('shows help with examples and the next command', async () => {
    const { code, stdout } = await palign('--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Examples:[\s\S]*Start with: palign demo/)
  })

  it('suggests the command that was meant', async () => {
    const { code, stderr } = await palign('evaluat')
    expect(code).toBe(2)
    expect(stderr).toContain('Did you mean evaluate?')
  })

  it('profiles a person, with norm and interval', async () => {
    const { code, stdout } = await palign('profile', '--data', people, '--row', '1', '--json')
    const profile = JSON.parse(stdout) as { domains: { kind: string; normId: string; interval: { t: number[] } }[] }
    expect(code).toBe(0)
    expect(profile.domains).toHaveLength(5)
    for (const domain of profile.domains) expect(domain).toMatchObject({ kind: 'normed', normId: 'johnson-ipip-neo-300' })
  })

  it('aligns, inspects and generates with the persona', async () => {
    const aligned = await palign('align', '--model', model, '--data', people, '--row', '2', '--out', persona, '--json')
    expect(aligned.code).toBe(0)
    const { alpha, heads } = JSON.parse(aligned.stdout) as { alpha: number; heads: unknown[] }
    expect(heads).toHaveLength(4)
    const inspected = await palign('inspect', persona, '--json')
    expect(JSON.parse(inspected.stdout)).toMatchObject({ kind: 'steering', method: 'pas', alpha })
    const generate = (...more: string[]) =>
      palign('generate', '--model', model, '--max-tokens', '8', '--json', ...more, 'Who are you?')
    const steered = await generate('--persona', persona, '--alpha', '30')
    const base = await generate()
    expect(JSON.parse(steered.stdout)).toMatchObject({ steered: true })
    expect((JSON.parse(steered.stdout) as { text: string }).text).not.toBe((JSON.parse(base.stdout) as { text: string }).text)
    const zero = await generate('--persona', persona, '--alpha', '0')
    expect((JSON.parse(zero.stdout) as { text: string }).text).toBe((JSON.parse(base.stdout) as { text: string }).text)
  })

  it.each(['dpo', 'ppo'])(
    'trains the adapter of a person with %s, inspects it and generates with it',
    async (method) => {
      const folder = join(scratch, method)
      const trained = await palign(
        ...['align', '--model', model, '--data', people, '--row', '2'],
        ...['--method', method, '--steps', '2', '--out', folder, '--json'],
      )
      expect(trained.code).toBe(0)
      expect(JSON.parse(trained.stdout)).toMatchObject({
        persona: folder,
        method,
        training: { steps: 2, adapterWeights: 65_536 },
      })
      expect(readdirSync(folder).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'palign.json'])
      const inspected = await palign('inspect', folder, '--json')
      expect(JSON.parse(inspected.stdout)).toMatchObject({ kind: 'adapter', method, rank: 16, provenance: { row: 2 } })
      const generate = async (...more: string[]) => {
        const { stdout } = await palign('generate', '--model', model, '--max-tokens', '8', '--json', ...more, 'Who are you?')
        return JSON.parse(stdout) as { text: string; steered: boolean }
      }
      // Two steps are no person: a thousand times their update is another model, none of it the same one.
      const [base, zero, far] = [
        await generate(),
        await generate('--persona', folder, '--alpha', '0'),
        await generate('--persona', folder, '--alpha', '1000'),
      ]
      expect(zero.text).toBe(base.text)
      expect(far).toMatchObject({ steered: true })
      expect(far.text).not.toBe(base.text)
    },
    300_000,
  )

  it('evaluates beside every floor, with intervals', async () => {
    const { code, stdout } = await palign(
      'evaluate',
      '--model',
      model,
      '--data',
      people,
      '--methods',
      'unchanged,few-shot',
      '--respondents',
      '2',
      '--seed',
      '1',
      '--json',
    )
    expect(code).toBe(0)
    const result = JSON.parse(stdout) as {
      respondents: number
      rows: { arm: string; regime: string; corrected: Record<string, unknown>; gain: unknown; cost: unknown }[]
    }
    expect(result).toMatchObject({ data: 'people.json', model: 'respondent', seed: 1, respondents: 2, timeRatios: [] })
    expect(result.rows.map((row) => row.arm)).toEqual([
      'unchanged',
      'few-shot',
      'constant-1',
      'constant-2',
      'constant-3',
      'constant-4',
      'constant-5',
      'item-median',
      'own-facet',
      'own-facet-trait',
      'ridge',
    ])
    for (const row of result.rows) {
      expect(row.corrected).toMatchObject({
        A: expect.any(Number),
        sum: expect.any(Number),
        interval: [expect.any(Number), expect.any(Number)],
      })
      expect(row).toMatchObject({
        regime: expect.any(String),
        gain: { value: expect.any(Number), interval: [expect.any(Number), expect.any(Number)] },
      })
    }
  })

  it('reports nothing to the maker of the runtime: no trace of its telemetry in the temporary folder', async () => {
    const folder = mkdtempSync(join(scratch, 'tmp-'))
    const { ORT_DISABLE_TELEMETRY: _, CI: __, ...environment } = process.env
    const { code } = await palignWith({ ...environment, TMPDIR: folder, HOME: folder }, 'inspect', model)
    expect(code).toBe(0)
    expect(readdirSync(folder)).toEqual([])
  })

  describe('with bad input', () => {
    const line = async (...args: string[]) => {
      const { code, stderr, stdout } = await palign(...args)
      expect(stderr).not.toMatch(/\n\s+at /)
      expect(stdout).toBe('')
      return { code, first: stderr.split('\n').find((text) => text.startsWith('palign:')) ?? stderr }
    }

    it('says that a file is missing', async () => {
      expect(await line('profile', '--data', 'nowhere.json')).toEqual({
        code: 3,
        first: 'palign: file nowhere.json does not exist',
      })
    })

    it('says that answers are broken', async () => {
      const path = join(scratch, 'broken.json')
      writeFileSync(path, '{"questionnaire": "ipip')
      const { code, first } = await line('profile', '--data', path)
      expect(code).toBe(1)
      expect(first).toContain('not JSON')
    })

    it('refuses answers in the wrong coding and says what it measured', async () => {
      const json = JSON.parse(readFileSync(answersFile('many.json', 200), 'utf8')) as object
      const path = join(scratch, 'wrong.json')
      writeFileSync(path, JSON.stringify({ ...json, coding: 'keyed' }))
      const { code, first } = await line('profile', '--data', path)
      expect(code).toBe(1)
      expect(first).toMatch(/-\.?0?\.?\d+/)
    })

    it('refuses a persona for another model and writes nothing', async () => {
      const folder = mkdtempSync(join(scratch, 'other-'))
      for (const file of readdirSync(model)) copyFileSync(join(model, file), join(folder, file))
      writeFileSync(join(folder, 'config.json'), readFileSync(join(model, 'config.json'), 'utf8').replace('2048', '1024'))
      if (!existsSync(persona)) await palign('align', '--model', model, '--data', people, '--out', persona)
      const { code, first } = await line('generate', '--model', folder, '--persona', persona, 'hello')
      expect(code).toBe(5)
      expect(first).toContain('persona was fitted on model')
    })

    it('leaves no persona behind when the model is broken', async () => {
      const folder = mkdtempSync(join(scratch, 'cut-'))
      for (const file of readdirSync(model)) copyFileSync(join(model, file), join(folder, file))
      truncateSync(join(folder, 'model.safetensors'), 500_000)
      const out = join(folder, 'never.safetensors')
      const { code } = await line('align', '--model', folder, '--data', people, '--out', out)
      expect(code).toBe(1)
      expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([])
    })

    it.skipIf(!existsSync('/proc'))('refuses a place that cannot be written to before it does any work', async () => {
      const started = performance.now()
      const { code, stderr } = await palign('align', '--model', model, '--data', people, '--out', '/proc/nope/me.safetensors')
      expect(code).toBe(1)
      expect(stderr).toContain('palign: folder /proc/nope cannot be written to: ENOENT')
      expect(performance.now() - started).toBeLessThan(10_000)
    })

    it('refuses a folder with other files in it before it trains', async () => {
      const folder = mkdtempSync(join(scratch, 'taken-'))
      writeFileSync(join(folder, 'letter.txt'), 'dear')
      const { code, stderr } = await palign('align', '--model', model, '--data', people, '--method', 'dpo', '--out', folder)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^palign: folder .* holds other files: letter.txt$/m)
      expect(stderr).not.toContain('training')
    })

    it('refuses steps where nothing is trained, and none where something is', async () => {
      const align = ['align', '--model', model, '--data', people, '--out', join(scratch, 'never')]
      expect(await line(...align, '--steps', '5')).toEqual({
        code: 1,
        first: 'palign: --steps was given, but method pas takes none',
      })
      expect((await palign(...align, '--method', 'dpo', '--steps', '0')).code).toBe(2)
    })

    it('names an unknown method and lists the known ones', async () => {
      const { stderr, code } = await palign('evaluate', '--model', model, '--data', people, '--methods', 'sft')
      expect(code).toBe(1)
      expect(stderr).toMatch(/method sft is unknown\n\s+methods are unchanged, few-shot/)
    })

    it('refuses a number that is none', async () => {
      expect((await palign('demo', '--seed', 'x')).code).toBe(2)
    })
  })
})
