import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Job, palignClient } from '../../src/client/index.ts'
import { IPIP_NEO_120 } from '../../src/items/ipip-neo.ts'
import { openStore } from '../../src/node/open-store.ts'
import { packPersona } from '../../src/node/persona-bundle.ts'
import { readPersona } from '../../src/node/persona-file.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import type { AdapterPersona } from '../../src/persona/persona.ts'
import { PERSONA_FILES, PERSONAS, personaRef, type StoredPersonaRecord } from '../../src/server/life-records.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-kept-'))
const store = join(scratch, 'people')
const data = join(scratch, 'answers.json')
const { PALIGN_API_KEY: _, DATABASE_URL: __, ...inherited } = process.env
const env = { ...inherited, PALIGN_KEYS: join(scratch, 'none.json'), PALIGN_CACHE: join(scratch, 'cache') }

const run = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })

let server: ChildProcess
let url: string
let log = ''
beforeAll(async () => {
  const [person] = simulateRespondents({ count: 1, seed: 6, questionnaire: IPIP_NEO_120 })
  const respondents = [{ answers: Object.fromEntries(person!.answers.byItem) }]
  writeFileSync(data, JSON.stringify({ questionnaire: 'ipip-neo-120', coding: 'worded', respondents }))
  const serve = ['dist/cli/main.js', 'serve', '--model', 'models/respondent', '--store', store, '--port', '0', '--json']
  server = spawn('node', serve, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  server.stderr!.on('data', (piece) => {
    log += String(piece)
  })
  let text = ''
  for await (const piece of server.stdout!) {
    text += String(piece)
    if (text.trimEnd().endsWith('}')) break
  }
  url = (JSON.parse(text) as { url: string }).url
})
afterAll(() => {
  server.kill('SIGKILL')
  rmSync(scratch, { recursive: true })
})

describe('palign serve --store', () => {
  it('aligns while it answers, and the commands see the same over HTTP and in the store', async () => {
    const at = ['--url', url]
    const added = await run('respondent', 'add', ...at, '--data', data, '--consent', 'study-1', '--days', '7')
    expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^respondent-[0-9a-f]{32}\n$/) })
    const respondent = added.stdout.trim()
    const client = palignClient({ baseUrl: url })
    const { id } = await client.jobs.add({ kind: 'align', respondent, persona: 'ada' })
    const jobs: Job[] = []
    const chat = { model: 'respondent', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 } as const
    const chats: Promise<unknown>[] = []
    for await (const job of client.jobs.watch(id)) {
      jobs.push(job)
      chats.push(client.chat.complete(chat))
    }
    await Promise.all(chats)
    expect(jobs.at(-1)).toMatchObject({ state: 'done', persona: 'ada' })
    expect(jobs.length).toBeGreaterThan(2)
    expect(await client.chat.complete({ ...chat, persona: 'ada' })).toMatchObject({ persona: 'ada' })
    const metrics = await (await fetch(url.replace('/v1', '/metrics'))).text()
    expect(metrics).toMatch(/^palign_jobs\{state="done"\} 1$/m)
    expect(metrics).toMatch(/^palign_jobs\{state="waiting"\} 0$/m)

    for (const place of [at, ['--store', store]]) {
      expect((await run('respondent', 'list', ...place)).stdout).toMatch(new RegExp(`^${respondent}  ipip-neo-120  120 answers`))
      expect((await run('persona', 'list', ...place)).stdout).toMatch(/^ada {2}pas {2}ready/)
      expect((await run('persona', 'show', 'ada', ...place, '--json')).stdout).toContain(respondent)
      const out = join(scratch, `${place[0]}.safetensors`)
      expect(await run('persona', 'export', 'ada', ...place, '--out', out)).toMatchObject({ code: 0 })
      const inspected = await run('inspect', out, '--json')
      expect(JSON.parse(inspected.stdout)).toMatchObject({ method: 'pas' })
    }
    const files = ['--url', '--store'].map((place) => readFileSync(join(scratch, `${place}.safetensors`)))
    expect(files[0]!.equals(files[1]!)).toBe(true)

    expect(await run('persona', 'delete', 'ada', '--store', store)).toMatchObject({ code: 1, stderr: /--force/ })
    expect(await run('persona', 'delete', 'ada', '--store', store, '--force')).toMatchObject({
      ...{ code: 0, stdout: 'deleted: 1 personas, 0 evaluations, 1 jobs\n' },
    })
    // By another process, and gone here at once.
    await expect(client.chat.complete({ ...chat, persona: 'ada' })).rejects.toMatchObject({ code: 'persona_not_found' })
    expect(await run('persona', 'show', 'ada', ...at)).toMatchObject({ code: 3, stderr: /persona does not exist/ })
    expect(await run('respondent', 'delete', respondent, ...at, '--force')).toMatchObject({ code: 0 })
    expect(readdirSync(store).filter((name) => readFileSync(join(store, name)).includes(respondent))).toEqual([])
    expect(log).toMatch(/"outcome":"done"/)
    expect(log).not.toMatch(/study-1/)
  }, 120_000)

  it('gives back the job at hand when it is stopped, and ends well', async () => {
    const client = palignClient({ baseUrl: url })
    const { stdout } = await run('respondent', 'add', '--url', url, '--data', data, '--consent', 'study-1')
    const { id } = await client.jobs.add({ kind: 'align', respondent: stdout.trim() })
    for await (const { state } of client.jobs.watch(id)) if (state === 'running') break
    server.kill('SIGTERM')
    expect((await once(server, 'close'))[0]).toBe(0)
    const jobs = await run('persona', 'list', '--store', store)
    expect(jobs).toMatchObject({ code: 0, stdout: '' })
    expect(log).toMatch(/"outcome":"given back"/)
  }, 120_000)
})

describe('palign persona export', () => {
  it('writes an adapter as the folder that it was made as', async () => {
    const shape = { layers: 1, heads: 2, kvHeads: 2, headDim: 4, hiddenSize: 8, vocabSize: 16, contextLength: 64 }
    const pair = { a: Float32Array.from({ length: 8 }, (_, i) => i / 7), b: Float32Array.from({ length: 8 }, (_, i) => -i / 3) }
    const pairs = new Map([['model.layers.0.self_attn.q_proj', pair]])
    const persona: AdapterPersona = {
      ...{ kind: 'adapter', method: 'dpo', model: 'f'.repeat(64), shape, training: undefined, provenance: undefined },
      adapter: { rank: 1, alpha: 2, targets: ['q_proj'], pairs },
    }
    const bundle = await packPersona(persona)
    const weights = bundle.files.find(({ name }) => name.endsWith('.safetensors'))!
    const root = createHash('sha256').update(Buffer.from(weights.base64, 'base64')).digest('hex')
    const json: StoredPersonaRecord = {
      ...{ name: 'tuned', kind: 'adapter', method: 'dpo', model: 'f'.repeat(64), job: 'job-1', answers: 'respondent-1', root },
      state: { kind: 'ready', steers: true },
    }
    const opened = await openStore({ kind: 'folder', folder: store })
    const ref = personaRef('local', 'tuned')
    await opened.records.put(PERSONA_FILES, ref, { owner: 'local', json: bundle })
    await opened.records.put(PERSONAS, ref, { owner: 'local', json })
    const out = join(scratch, 'tuned')
    expect(await run('persona', 'export', 'tuned', '--store', store, '--out', out)).toMatchObject({ code: 0, stderr: '' })
    expect(await readPersona(out)).toEqual(persona)
    // One whose bytes are not those that it is said to be is not written.
    await opened.records.put(PERSONAS, ref, { owner: 'local', json: { ...json, root: '0'.repeat(64) } })
    const other = join(scratch, 'other')
    expect(await run('persona', 'export', 'tuned', '--store', store, '--out', other)).toMatchObject({ code: 1, stderr: /sha256/ })
    expect(existsSync(other)).toBe(false)
    await opened.close()
  })
})

describe('answers', () => {
  it('are kept for nobody who did not agree, and where somebody said', async () => {
    expect(await run('respondent', 'add', '--store', store, '--data', data)).toMatchObject({ code: 1, stderr: /no consent/ })
    expect(await run('respondent', 'list')).toMatchObject({ code: 1, stderr: /neither a server nor a store/ })
    expect(await run('respondent', 'list', '--url', url, '--store', store)).toMatchObject({ code: 1, stderr: /both given/ })
  })
})
