import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, simulateRespondents } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/math/random.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-evaluate-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const PERSONS = 10
const people = join(scratch, 'people.json')
writeFileSync(
  people,
  JSON.stringify({
    questionnaire: 'ipip-neo-300',
    coding: 'worded',
    respondents: simulateRespondents({ count: PERSONS, seed: 5, questionnaire: IPIP_NEO_300 }).map(({ answers }) => ({
      sex: 'female',
      age: 30,
      answers: Object.fromEntries(answers.byItem),
    })),
  }),
)

function start(store: string, out: string): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
  const child = spawn(
    'node',
    [
      ...['dist/cli/main.js', 'evaluate', '--model', 'models/respondent', '--data', people],
      ...['--methods', 'unchanged,few-shot,pas', '--seed', '2', '--store', store, '--out', out],
    ],
    { stdio: 'ignore' },
  )
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)) }
}

/** Everything but what a clock says. */
function resultOf(out: string): unknown {
  const {
    rows,
    timeRatios: _,
    ...rest
  } = JSON.parse(readFileSync(out, 'utf8')) as { rows: { cost: unknown }[]; timeRatios: unknown }
  return { ...rest, rows: rows.map(({ cost: __, ...row }) => row) }
}

describe('palign evaluate --store', () => {
  const undisturbed = join(scratch, 'undisturbed.json')

  it('ends in the same result however often it is killed', async () => {
    expect(await start(join(scratch, 'once'), undisturbed).ended).toBe(0)
    const [store, out] = [join(scratch, 'killed'), join(scratch, 'killed.json')]
    const random = seededRandom(11)
    let killed = 0
    for (let time = 0; time < 20; time++) {
      const { child, ended } = start(store, out)
      const timer = setTimeout(() => child.kill('SIGKILL'), 300 + 2200 * random())
      if ((await ended) === null) killed++
      clearTimeout(timer)
    }
    expect(killed).toBeGreaterThan(3)
    expect(await start(store, out).ended).toBe(0)
    expect(resultOf(out)).toEqual(resultOf(undisturbed))
  }, 400_000)

  it('shares the work between two processes, each unit done once', async () => {
    const store = join(scratch, 'shared')
    const outs = ['a.json', 'b.json'].map((name) => join(scratch, name))
    expect(await Promise.all(outs.map((out) => start(store, out).ended))).toEqual([0, 0])
    const [a, b] = outs.map((out) => {
      const { rows } = JSON.parse(readFileSync(out, 'utf8')) as { rows: { arm: string; cost: object }[] }
      return rows.filter(({ arm }) => ['unchanged', 'few-shot', 'pas'].includes(arm))
    })
    // Costs and all: both read what was stored, whoever computed it. Of a unit done twice they would differ.
    expect(a).toEqual(b)
    expect(resultOf(outs[0]!)).toEqual(resultOf(undisturbed))
  }, 200_000)
})
