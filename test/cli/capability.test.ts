import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, simulateRespondents } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCapabilityResult } from '../../src/eval/capability/result.ts'
import { seededRandom } from '../../src/math/random.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-capability-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const at = (...names: string[]) => join(scratch, ...names)

/** Questions about sums, in the formats of the sets. */
const sums = Array.from({ length: 240 }, (_, i) => ({ a: i % 17, b: (i * 7) % 23, right: i % 4 }))
const choices = ({ a, b, right }: (typeof sums)[number]) => [0, 1, 2, 3].map((k) => `${a + b + k - right}`)
const questions = sums.map((sum, i) => ({
  id: `sum-${i}`,
  subject: i % 3 === 0 ? 'small_sums' : 'other_sums',
  question: `What is ${sum.a} plus ${sum.b}? (${i})`,
  choices: choices(sum),
  answer: sum.right,
}))
const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

function start(...args: string[]): { readonly ended: Promise<number | null>; kill(): void; stderr(): string } {
  const child = spawn('node', ['dist/cli/main.js', ...args])
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdout.resume()
  return {
    ended: new Promise((resolve) => child.once('exit', resolve)),
    kill: () => child.kill('SIGKILL'),
    stderr: () => stderr,
  }
}

const capability = (...args: string[]) =>
  start(
    'capability',
    '--model',
    'models/respondent',
    '--bench',
    at('bench'),
    '--persona',
    at('me.safetensors'),
    '--seed',
    '3',
    ...args,
  )
const resultOf = (name: string) => parseCapabilityResult(JSON.parse(readFileSync(at(name), 'utf8')))

beforeAll(async () => {
  mkdirSync(at('bench'))
  writeFileSync(at('bench', 'mmlu_test.jsonl'), lines(questions))
  writeFileSync(at('bench', 'mmlu_dev.jsonl'), lines(questions.slice(0, 20).map((each) => ({ ...each, id: `dev-${each.id}` }))))
  writeFileSync(at('bench', 'arc_challenge_test.jsonl'), lines(questions))
  writeFileSync(
    at('bench', 'gsm8k_test.jsonl'),
    lines(sums.slice(0, 30).map(({ a, b }) => ({ question: `${a} + ${b}?`, answer: `#### ${a + b}` }))),
  )
  const [person] = simulateRespondents({ count: 1, seed: 8, questionnaire: IPIP_NEO_300 })
  const answers = Object.fromEntries(person!.answers.byItem)
  const file = { questionnaire: 'ipip-neo-300', coding: 'worded', respondents: [{ sex: 'female', age: 40, answers }] }
  writeFileSync(at('people.json'), JSON.stringify(file))
  const aligned = start('align', '--model', 'models/respondent', '--data', at('people.json'), '--out', at('me.safetensors'))
  expect(await aligned.ended).toBe(0)
})

describe('palign capability', () => {
  it('compares a persona and random directions with the unsteered model, and writes logs for other tools', async () => {
    const args = ['--tasks', 'mmlu,gsm8k', '--limit', '20', '--random', '1', '--out', at('result.json')]
    expect(await capability(...args, '--lm-eval', at('harness'), '--inspect', at('inspect')).ended).toBe(0)
    const result = resultOf('result.json')
    expect(result).toMatchObject({
      reporting: false,
      margin: 2,
      bench: [
        { task: 'mmlu', documents: 20, of: 240, shots: 5 },
        { task: 'gsm8k', documents: 20, of: 30, shots: 0 },
      ],
    })
    expect([...new Set(result.rows.map(({ arm }) => arm))]).toEqual(['unsteered', 'me', 'me:random-1'])
    expect(result.rows.filter(({ mcnemar }) => mcnemar?.pHolm !== undefined)).toHaveLength(4)
    const folders = ['me', 'me-random-1', 'unsteered']
    expect(readdirSync(at('harness')).sort()).toEqual(folders)
    expect(readdirSync(at('inspect')).sort()).toEqual(folders)
    const [results, ...samples] = readdirSync(at('harness', 'me')).sort()
    expect(results).toMatch(/^results_/)
    expect(samples.map((name) => name.split('_2')[0])).toEqual(['samples_gsm8k', 'samples_mmlu'])
    const harness = JSON.parse(readFileSync(at('harness', 'me', results!), 'utf8')) as {
      results: { mmlu: Record<string, number> }
    }
    const own = result.rows.find(({ arm, task, metric }) => arm === 'me' && task === 'mmlu' && metric === 'acc')
    expect(harness.results.mmlu['acc,none']).toBe(own!.value)
  })

  it('ends in the same result however often it is killed', async () => {
    const args = (store: string) => ['--tasks', 'mmlu,arc-challenge', '--store', at(store), '--out', at(`${store}.json`)]
    expect(await capability(...args('once')).ended).toBe(0)
    const random = seededRandom(5)
    let killed = 0
    for (let time = 0; time < 4; time++) {
      const run = capability(...args('often'))
      const timer = setTimeout(run.kill, 800 + 3000 * random())
      if ((await run.ended) === null) killed++
      clearTimeout(timer)
    }
    expect(killed).toBeGreaterThan(0)
    expect(await capability(...args('often')).ended).toBe(0)
    expect(resultOf('often.json')).toEqual(resultOf('once.json'))
    expect(resultOf('once.json').reporting).toBe(true)
  }, 300_000)

  it('says what is missing before a model is loaded', async () => {
    const run = capability('--tasks', 'hellaswag')
    expect(await run.ended).toBe(3)
    expect(run.stderr()).toContain('has no hellaswag_val.jsonl')
  })
})
