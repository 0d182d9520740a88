import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, simulateRespondents } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'palign-rate-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const palign = (...args: string[]) => run('rate', ...args)

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const lines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

function file(name: string, content: string): string {
  const path = join(scratch, name)
  writeFileSync(path, content)
  return path
}

const ARMS = ['secret-arm-one', 'secret-arm-two']
const answers = file(
  'answers.jsonl',
  lines(
    Array.from({ length: 12 }, (_, prompt) =>
      ARMS.map((arm, place) => ({ id: `p${prompt}`, prompt: `Question ${prompt}?`, arm, text: `${'ab'[place]} on ${prompt}` })),
    ).flat(),
  ),
)

interface Key {
  package: string
  tasks: Record<string, { kind: string; choose?: string; firstIs?: string }>
  assignments: Record<string, string[]>
}

/** Everybody prefers the first arm and is attentive. */
function ratingsOf(key: Key): object[] {
  return Object.entries(key.assignments).flatMap(([rater, order]) =>
    order.map((task) => {
      const { choose, firstIs } = key.tasks[task]!
      return {
        package: key.package,
        rater,
        task,
        choice: choose ?? firstIs,
        left: firstIs === 'left' ? 6 : 2,
        right: firstIs === 'left' ? 2 : 6,
      }
    }),
  )
}

describe('palign rate', () => {
  it('exports a blind package, and imports what raters made of it', async () => {
    const out = join(scratch, 'study')
    const exported = await palign('export', '--answers', answers, '--out', out, '--raters', '3', '--seed', '918273645', '--json')
    expect(exported.code).toBe(0)
    expect(JSON.parse(exported.stdout)).toMatchObject({
      arms: ARMS,
      raters: 3,
      comparisons: 12,
      identicalTexts: 0,
      namedInTexts: [],
    })
    expect(readdirSync(out).sort()).toEqual(['key.json', 'package.jsonl', 'rate.html'])
    for (const shown of ['package.jsonl', 'rate.html'])
      expect(readFileSync(join(out, shown), 'utf8')).not.toMatch(/secret-arm|918273645/)

    const key = join(out, 'key.json')
    const ratings = file('ratings.jsonl', lines(ratingsOf(JSON.parse(readFileSync(key, 'utf8')) as Key)))
    const result = join(scratch, 'result.json')
    const imported = await palign('import', '--key', key, '--ratings', ratings, '--out', result, '--json')
    expect(imported.code).toBe(0)
    expect(JSON.parse(imported.stdout)).toMatchObject({
      kind: 'ratings',
      raters: 3,
      dropped: [],
      votes: 36,
      pairs: [{ first: ARMS[0], second: ARMS[1], wins: 36, losses: 0, winRate: { value: 1 } }],
      repeatConsistency: { value: 1 },
    })
    expect(JSON.parse(readFileSync(result, 'utf8'))).toEqual(JSON.parse(imported.stdout))
    const shown = await palign('import', '--key', key, '--ratings', ratings)
    expect(shown.stdout).toContain('secret-arm-one against secret-arm-two: 36 won, 0 lost')
  })

  it('exports for Label Studio, and reads its CSV', async () => {
    const out = join(scratch, 'label-studio')
    expect((await palign('export', '--answers', answers, '--out', out, '--format', 'label-studio')).code).toBe(0)
    expect(readdirSync(out).sort()).toEqual(['interface.xml', 'key.json', 'package.jsonl', 'tasks.json'])
    const tasks = readFileSync(join(out, 'tasks.json'), 'utf8')
    expect(tasks).not.toContain('secret-arm')
    const rows = (JSON.parse(tasks) as { data: { package: string; task: string; left: string; right: string } }[]).map(
      ({ data }) => {
        const choice =
          data.right.includes('check of attention') || (data.right.startsWith('a') && !data.left.includes('check'))
            ? 'right'
            : 'left'
        return `${data.package},${data.task},"${data.left}",7,${choice}`
      },
    )
    const csv = file('results.csv', `package,task,left,annotator,choice\n${rows.join('\n')}\n`)
    const { stdout, code } = await palign('import', '--key', join(out, 'key.json'), '--ratings', csv, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ raters: 1, votes: 12, pairs: [{ wins: 12, losses: 0 }] })
  })

  it('lets the model write the answers of every arm, and keeps them where asked', async () => {
    const respondents = simulateRespondents({ count: 2, seed: 8, questionnaire: IPIP_NEO_300 })
    const people = {
      questionnaire: 'ipip-neo-300',
      coding: 'worded',
      respondents: respondents.map(({ answers: { byItem }, age }) => ({
        sex: 'female',
        age,
        answers: Object.fromEntries(byItem),
      })),
    }
    const persona = join(scratch, 'mine.safetensors')
    const data = file('people.json', JSON.stringify(people))
    await run('align', '--model', 'models/respondent', '--data', data, '--row', '1', '--out', persona)
    const prompts = lines(['Who are you?', 'What do you like?', 'Why?'].map((prompt, place) => ({ id: `${place}`, prompt })))
    const saved = join(scratch, 'saved.jsonl')
    const { code, stdout } = await palign(
      ...['export', '--model', 'models/respondent', '--prompts', file('prompts.jsonl', prompts), '--persona', persona],
      ...['--temperature', '1', '--max-tokens', '24', '--save-answers', saved, '--out', join(scratch, 'written'), '--json'],
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ arms: ['unsteered', 'mine'] })
    const kept = readFileSync(saved, 'utf8').trim().split('\n')
    expect(kept.map((line) => JSON.parse(line) as object)).toMatchObject(
      ['0', '1', '2'].flatMap((id) => ['unsteered', 'mine'].map((arm) => ({ id, arm, text: expect.any(String) }))),
    )
    const again = await palign('export', '--answers', saved, '--out', join(scratch, 'read'), '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ package: (JSON.parse(stdout) as { package: string }).package })
  })

  it.each([
    [['export', '--out', join(scratch, 'n')], 1, /was given no answers/],
    [['export', '--model', 'models/respondent', '--out', join(scratch, 'n')], 1, /without --prompts and --persona/],
    [['export', '--answers', answers, '--out', scratch], 1, /holds other files/],
    [['export', '--answers', answers, '--out', join(scratch, 'n'), '--overlap', '2'], 2, /from 0 to 1/],
    [['export', '--answers', join(scratch, 'nowhere.jsonl'), '--out', join(scratch, 'n')], 3, /does not exist/],
    [['import', '--key', answers, '--ratings', answers], 1, /not valid JSON/],
  ])('refuses %j', async (args, expected, message) => {
    const { code, stderr, stdout } = await palign(...args)
    expect(code).toBe(expected)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(stdout).toBe('')
  })

  it('names file and line of a rating that is wrong', async () => {
    const out = join(scratch, 'again')
    await palign('export', '--answers', answers, '--out', out)
    const key = JSON.parse(readFileSync(join(out, 'key.json'), 'utf8')) as Key
    const [one] = ratingsOf(key)
    const bad = file('bad.jsonl', lines([one!, { ...one, choice: 'middle' }]))
    const twice = file('twice.jsonl', lines([one!, one!]))
    for (const [path, message] of [
      [bad, /bad\.jsonl, line 2: rating has a wrong choice/],
      [twice, /twice\.jsonl, line 2 rates task t\d+ by r01 again, first rated at .*twice\.jsonl, line 1/],
    ] as const) {
      const { code, stderr } = await palign('import', '--key', join(out, 'key.json'), '--ratings', path)
      expect(code).toBe(1)
      expect(stderr).toMatch(message)
    }
  })
})
