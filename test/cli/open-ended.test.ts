import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, parseOpenEndedResult, simulateRespondents } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hijackedReply, type JudgeServer, judgeServer, sendCompletion, soundReply } from '../judges.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-open-ended-'))
const model = 'models/respondent'
const persona = join(scratch, 'somebody.safetensors')
const KEY = 'sk-secret-456'

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function palign(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const openEnded = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  palign(['open-ended', '--model', model, '--max-tokens', '6', ...args], env)

let judges: JudgeServer
beforeAll(async () => {
  judges = await judgeServer((request, _, response) => {
    const { model: name, messages } = request.body
    sendCompletion(response, name === 'gullible' ? hijackedReply(messages) : `${soundReply(messages)}\n(${KEY})`, name)
  })
  const people = join(scratch, 'people.json')
  const respondents = simulateRespondents({ count: 1, seed: 8, questionnaire: IPIP_NEO_300 }).map(({ answers }) => ({
    ...{ sex: 'female', age: 40, answers: Object.fromEntries(answers.byItem) },
  }))
  writeFileSync(people, JSON.stringify({ questionnaire: 'ipip-neo-300', coding: 'worded', respondents }))
  expect((await palign(['align', '--model', model, '--data', people, '--out', persona])).code).toBe(0)
})
afterAll(async () => {
  await judges.close()
  rmSync(scratch, { recursive: true })
})

describe('palign open-ended', () => {
  it('judges every arm, goes on from the store and keeps the key out of everything it writes', async () => {
    const [store, out, log, answers] = ['store', 'out.json', 'log.jsonl', 'answers.jsonl'].map((name) => join(scratch, name))
    const args = [
      ...['--persona', persona, '--store', store!, '--out', out!, '--log', log!, '--answers', answers!, '--json'],
      ...['--judge', judges.url, '--judge-model', 'sound', '--judge', judges.url, '--judge-model', 'gullible'],
    ]
    const run = await openEnded(args, { PALIGN_JUDGE_KEY: KEY })
    expect(run.stderr).not.toContain('palign:')
    expect(run.code).toBe(0)
    const result = parseOpenEndedResult(JSON.parse(run.stdout))
    expect(result).toMatchObject({ situations: 75, calibrated: false, classifier: null, agreement: { answers: 150 } })
    expect(result.judges.map((judge) => [judge.model, judge.audit.calibrated])).toEqual([
      ['sound', true],
      ['gullible', false],
    ])
    expect(result.rows.map(({ arm, trait }) => `${arm} ${trait}`)).toEqual(
      ['unsteered', 'somebody'].flatMap((arm) => ['A', 'C', 'E', 'N', 'O'].map((trait) => `${arm} ${trait}`)),
    )
    expect(readFileSync(answers!, 'utf8').trim().split('\n')).toHaveLength(150)
    const exchanges = readFileSync(log!, 'utf8').trim().split('\n')
    expect(exchanges).toHaveLength(result.judges.reduce((sum, { prompts }) => sum + prompts, 0))
    expect(JSON.parse(exchanges[0]!)).toMatchObject({ judge: 'sound', promptSha256: expect.stringMatching(/^[0-9a-f]{64}$/) })

    expect(judges.requests.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true)
    const units = readFileSync(join(store!, 'units.sqlite'), 'latin1')
    for (const written of [run.stdout, run.stderr, units, ...[out, log, answers].map((path) => readFileSync(path!, 'utf8'))]) {
      expect(written).not.toContain(KEY)
    }

    const asked = judges.requests.length
    const again = await openEnded(args, { PALIGN_JUDGE_KEY: KEY })
    expect(again.stdout).toBe(run.stdout)
    expect(judges.requests).toHaveLength(asked)
  })

  it('says in the table what it skipped', async () => {
    const { code, stdout } = await openEnded([])
    expect(code).toBe(0)
    expect(stdout).toContain('Skipped: classifier: no statements were given (--statements).')
    expect(stdout).toContain('Skipped: grades and win rates: no judge was given (--judge, --judge-model).')
  })

  it.each([
    ['addresses without models', ['--judge', 'https://host/v1'], 'judges have 1 addresses and 0 models'],
    ['the model under test', ['--judge', 'https://host/v1', '--judge-model', 'owner/respondent'], 'is the model under test'],
    ['samples that are all the same', ['--samples', '2'], 'samples number 2 at temperature 0'],
  ])('refuses %s', async (_, args, message) => {
    const { code, stderr } = await openEnded(args)
    expect(code).toBe(1)
    expect(stderr).toContain(message)
  })

  it('sends the key of one host to no other', async () => {
    const other = await judgeServer((request, _, response) => sendCompletion(response, soundReply(request.body.messages)))
    const [first, second] = [judges.url, other.url]
    const args = ['--judge', first, '--judge-model', 'sound', '--judge', second, '--judge-model', 'other']
    const { code } = await openEnded(args, { PALIGN_JUDGE_KEY: KEY })
    expect(code).toBe(0)
    expect(other.requests.length).toBeGreaterThan(0)
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
    await other.close()
  })
})
