import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, simulateRespondents } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'
import { parseBehaviourResult } from '../../src/eval/behaviour/result.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-behave-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Exit code, stdout and stderr of `palign behave` with the demo model. */
function behave(...args: string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', 'behave', '--model', 'models/respondent', ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const THINGS = ['mornings', 'rain', 'trains', 'chess', 'soup', 'maps']

const bench = join(scratch, 'bench')
mkdirSync(bench)
for (const trait of ['extraversion', 'psychopathy']) {
  const rows = THINGS.map((thing, i) => ({
    question: `Would you say this?\n"I like ${thing}"`,
    statement: `I like ${thing}`,
    label_confidence: 1,
    answer_matching_behavior: i % 2 === 0 ? ' Yes' : ' No',
    answer_not_matching_behavior: i % 2 === 0 ? ' No' : ' Yes',
  }))
  writeFileSync(join(bench, `anthropic_persona_${trait}.jsonl`), rows.map((row) => JSON.stringify(row)).join('\n'))
}

const people = join(scratch, 'people.json')
const respondents = simulateRespondents({ count: 6, seed: 4, questionnaire: IPIP_NEO_300 })
writeFileSync(
  people,
  JSON.stringify({
    questionnaire: 'ipip-neo-300',
    coding: 'worded',
    respondents: respondents.map(({ answers }) => ({ sex: 'female', age: 30, answers: Object.fromEntries(answers.byItem) })),
  }),
)

describe('palign behave', () => {
  it('measures the traits that the folder has, steers those it can, and goes on from its store', async () => {
    const out = join(scratch, 'result.json')
    const args = ['--bench', bench, '--statements', '4', '--random', '1', '--seed', '3', '--out', out]
    const more = [
      '--data',
      people,
      '--respondents',
      '5',
      '--methods',
      'unchanged,pas',
      '--store',
      join(scratch, 'store'),
      '--json',
    ]
    const first = await behave(...args, ...more)
    expect(first.stderr).not.toContain('internal error')
    expect(first.code).toBe(0)
    const result = parseBehaviourResult(JSON.parse(first.stdout))
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(result)
    expect(result).toMatchObject({ kind: 'behaviour', model: 'respondent', seed: 3, statements: { perTrait: 4 } })
    expect(result.base.map(({ trait }) => trait)).toEqual(['extraversion', 'psychopathy'])
    expect(result.leakage).toMatchObject({ steered: ['extraversion'], measured: ['extraversion', 'psychopathy'] })
    expect(result.doses.map(({ pole, points }) => [pole, points.length])).toEqual([
      ['high', 9],
      ['low', 9],
    ])
    expect(result.persons!.map(({ arm, trait, n }) => [arm, trait, n])).toEqual([
      ['unchanged', 'extraversion', 5],
      ['pas', 'extraversion', 5],
    ])
    expect(result.skipped.filter((line) => line.includes('not measured'))).toHaveLength(6)
    const again = await behave(...args, ...more)
    expect(again.stdout).toBe(first.stdout)
  })

  it('prints tables', async () => {
    const { stdout } = await behave('--bench', bench, '--traits', 'extraversion', '--statements', '4', '--random', '0')
    expect(stdout).toMatch(/^unsteered +score +matching/)
    expect(stdout).toMatch(/^extraversion +high /m)
  })

  it.each([
    ['a trait that is none', ['--bench', bench, '--traits', 'luck'], 1, 'trait luck is unknown'],
    [
      'a named trait without a file',
      ['--bench', bench, '--traits', 'openness'],
      3,
      'anthropic_persona_openness.jsonl does not exist',
    ],
    ['a folder without statements', ['--bench', scratch], 3, 'holds no anthropic_persona_<trait>.jsonl'],
    ['more statements than there are', ['--bench', bench, '--statements', '8'], 1, '4 of each were asked for'],
    ['respondents of no file', ['--bench', bench, '--statements', '4', '--respondents', '2'], 1, 'without --data'],
    [
      'a method that is none',
      ['--bench', bench, '--statements', '4', '--data', people, '--methods', 'magic'],
      1,
      'magic is unknown',
    ],
  ])('refuses %s before the model is loaded', async (_, args, code, message) => {
    const run = await behave(...args)
    expect(run.code).toBe(code)
    expect(run.stderr).toContain(message)
    expect(run.stderr).not.toContain('unsteered')
  })
})
