import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { openStore, type StoreAddress } from '../../src/node/open-store.ts'
import { unpackPersona } from '../../src/node/persona-bundle.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import { ALIGN_JOB } from '../../src/server/align-job.ts'
import { ANSWERS, PERSONA_FILES, PERSONAS } from '../../src/server/life-records.ts'
import { PASSWORD } from '../postgres.ts'
import { overStores } from '../store/stores.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-work-'))
afterAll(() => rmSync(scratch, { recursive: true }))
let files = 0

function palign(address: StoreAddress, ...args: string[]) {
  const { DATABASE_URL: _, ...env } = process.env
  const place: string[] = []
  if (address.kind === 'folder') place.push('--store', address.folder)
  else if (args[0] === 'evaluate') Object.assign(env, { DATABASE_URL: address.url })
  else {
    const file = join(scratch, `url-${files++}`)
    writeFileSync(file, `${address.url}\n`)
    place.push('--database-url-file', file)
  }
  const child: ChildProcess = spawn('node', ['dist/cli/main.js', ...args, '--model', 'models/respondent', ...place], { env })
  let printed = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (printed += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, printed: () => printed }
}

overStores('palign work', (stores) => {
  const people = simulateRespondents({ count: 2, seed: 4, questionnaire: IPIP_NEO_120 })
  const answersOf = (person: number) => ({
    questionnaire: 'ipip-neo-120',
    coding: 'worded',
    respondents: [{ answers: Object.fromEntries(people[person]!.answers.byItem) }],
  })

  it('aligns, though the first of two workers is killed at it and the second one stopped once', async () => {
    const address = await stores.address()
    const store = await openStore(address)
    await store.records.put(ANSWERS, 'a', { owner: 'o', json: answersOf(0) })
    const { id } = await store.jobs.enqueue(ALIGN_JOB, { answers: 'a', settings: { seed: 3 } }, { owner: 'o' })
    const until = async (stage: string) => {
      for await (const { state, progress } of store.jobs.watch(id)) if (state === 'running' && progress?.stage === stage) return
    }
    const first = palign(address, 'work', '--lease', '2')
    await until('searching alpha')
    first.child.kill('SIGKILL')
    await first.ended
    const second = palign(address, 'work', '--lease', '2')
    for await (const { attempts } of store.jobs.watch(id)) if (attempts === 2) break
    second.child.kill('SIGINT')
    expect(await second.ended).toBe(0)
    expect(second.printed()).toMatch(new RegExp(`^${id} align given back`, 'm'))
    expect(await store.jobs.get(id)).toMatchObject({ state: 'waiting', attempts: 1 })

    const third = palign(address, 'work', '--drain')
    expect(await third.ended).toBe(0)
    expect(third.printed()).toMatch(new RegExp(`^${id} align done, .* s, attempt 2$`, 'm'))
    for (const { printed } of [first, second, third]) expect(printed()).not.toContain(PASSWORD)
    const job = await store.jobs.get(id)
    expect(job).toMatchObject({ state: 'done', attempts: 2, progress: { stage: 'self-test' } })
    const personas = await store.records.list(PERSONAS, { owner: 'o' })
    expect(personas.map(({ id }) => id)).toEqual([(job!.result as { persona: string }).persona])
    expect(personas[0]!.json).toMatchObject({ state: { kind: 'ready' } })
    const persona = await unpackPersona((await store.records.get(PERSONA_FILES, personas[0]!.id))!.json)
    expect(persona).toMatchObject({ kind: 'steering', method: 'pas', provenance: { answered: 120, seed: 3 } })
    await store.close()
  }, 120_000)

  it('is one of several between which an evaluation is shared, each unit done once', async () => {
    const address = await stores.address()
    const data = join(scratch, `people-${files++}.json`)
    const respondents = simulateRespondents({ count: 6, seed: 5, questionnaire: IPIP_NEO_300 })
    writeFileSync(
      data,
      JSON.stringify({
        ...{ questionnaire: 'ipip-neo-300', coding: 'worded' },
        respondents: respondents.map(({ answers }) => ({ answers: Object.fromEntries(answers.byItem) })),
      }),
    )
    const outs = [1, 2].map((n) => join(scratch, `out-${files++}-${n}.json`))
    const command = ['evaluate', '--data', data, '--methods', 'unchanged,few-shot', '--seed', '2']
    const runs = outs.map((out) => palign(address, ...command, '--out', out))
    expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual([0, 0])
    for (const { printed } of runs) expect(printed()).not.toContain(PASSWORD)
    // Costs and all: both read what was stored, whoever computed it. Of a unit done twice they would differ.
    const [a, b] = outs.map((out) =>
      (JSON.parse(readFileSync(out, 'utf8')) as { rows: { arm: string }[] }).rows.filter(({ arm }) =>
        ['unchanged', 'few-shot'].includes(arm),
      ),
    )
    expect(a).toHaveLength(2)
    expect(a).toEqual(b)
  }, 120_000)
})

it('palign work without a store says what to give', async () => {
  const { DATABASE_URL: _, ...env } = process.env
  const child = spawn('node', ['dist/cli/main.js', 'work', '--model', 'models/respondent'], { env })
  let printed = ''
  child.stderr.on('data', (text) => (printed += text))
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
  expect(printed).toMatch(/no store was named[\s\S]*--database-url-file or DATABASE_URL/)
})
