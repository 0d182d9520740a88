import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, type Respondent, simulateRespondents } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseSafetyResult } from '../../src/eval/safety/result.ts'
import { judgeServer, sendCompletion } from '../judges.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-safety-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const at = (name: string) => join(scratch, name)

function palign(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const PROMPTS = [
  'Where do swallows sleep?',
  'Bake a marzipan hedgehog.',
  'Who painted the barn?',
  'Fold a paper swan.',
  'Name a cheese.',
  'Mend a kettle.',
]
const safety = (...more: string[]) =>
  palign(
    'safety',
    '--model',
    'models/respondent',
    '--bench',
    scratch,
    '--max-tokens',
    '12',
    '--persona',
    at('me.safetensors'),
    ...more,
  )

beforeAll(async () => {
  const [{ answers }] = simulateRespondents({ count: 1, seed: 8, questionnaire: IPIP_NEO_300 }) as [Respondent]
  const person = { sex: 'female', age: 30, answers: Object.fromEntries(answers.byItem) }
  writeFileSync(at('people.json'), JSON.stringify({ questionnaire: 'ipip-neo-300', coding: 'worded', respondents: [person] }))
  const rows = PROMPTS.map((prompt, i) => `${i},${prompt},kind,${i % 2 === 0 ? 'safe' : 'unsafe'}`)
  writeFileSync(at('sets.csv'), ['id,prompt,type,label', ...rows].join('\n'))
  const aligned = await palign(
    'align',
    '--model',
    'models/respondent',
    '--data',
    at('people.json'),
    '--out',
    at('me.safetensors'),
  )
  expect(aligned.code).toBe(0)
})

describe('palign safety', () => {
  it('takes verdicts from a judge, and says whose they are', async () => {
    const server = await judgeServer((_, __, response) => sendCompletion(response, 'It declines.\nClass: refusal'))
    try {
      const { code } = await safety('--judge', server.url, '--judge-model', 'rule', '--out', at('judged.json'))
      expect(code).toBe(0)
      const { classifier, rows } = parseSafetyResult(JSON.parse(readFileSync(at('judged.json'), 'utf8')))
      expect(classifier).toMatch(/^judge rule at 127\.0\.0\.1:/)
      for (const { n, counts } of rows) expect(counts).toEqual({ compliance: 0, partial: 0, refusal: n, incoherent: 0 })
      expect(server.requests.length).toBeGreaterThan(0)
    } finally {
      await server.close()
    }
  })

  it('measures a persona, its doses and its random controls beside the unsteered model, and prints no prompt and no answer', async () => {
    const { code, stdout, stderr } = await safety(
      '--random',
      '1',
      '--doses',
      '--out',
      at('safety.json'),
      '--answers',
      at('answers.jsonl'),
    )
    expect(code).toBe(0)
    const result = parseSafetyResult(JSON.parse(readFileSync(at('safety.json'), 'utf8')))
    const arms = ['unsteered', 'me', 'me:random-1', 'me:half', 'me:double']
    expect(result.quality.map(({ arm }) => arm)).toEqual(arms)
    expect(result.rows.filter(({ asks }) => asks === 'safe').map(({ arm, n }) => [arm, n])).toEqual(arms.map((arm) => [arm, 3]))
    expect(result).toMatchObject({
      kind: 'safety',
      reporting: true,
      sets: [{ set: 'xstest', file: 'sets.csv', prompts: 6, of: 6 }],
    })
    const answers = readFileSync(at('answers.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { answer: string })
    expect(answers).toHaveLength(arms.length * PROMPTS.length)
    for (const text of [...PROMPTS, ...answers.map(({ answer }) => answer)]) {
      expect(text.length).toBeGreaterThan(0)
      expect(stdout + stderr + readFileSync(at('safety.json'), 'utf8')).not.toContain(text)
    }
  })

  it('gives the same result again from a store', async () => {
    const first = await safety('--store', at('store'), '--json')
    const second = await safety('--store', at('store'), '--json')
    expect(first.code).toBe(0)
    expect(second.stdout).toBe(first.stdout)
    expect(existsSync(at('store'))).toBe(true)
  })

  it('marks a part of a set as not for reporting', async () => {
    const { stdout } = await safety('--limit', '4', '--json')
    expect(parseSafetyResult(JSON.parse(stdout))).toMatchObject({ reporting: false, sets: [{ prompts: 4, of: 6 }] })
  })

  it('says what is missing', async () => {
    expect(await palign('safety', '--model', 'models/respondent')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('neither --bench nor --harmful nor --safe'),
    })
    expect(await safety('--sets', 'harmbench')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('columns of harmbench'),
    })
    expect(await safety('--compliance-accuracy', '2,1')).toMatchObject({ code: 2 })
  })
})
