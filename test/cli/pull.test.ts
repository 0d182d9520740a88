import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type HubServer, type HubServerFile, type HubServerOptions, hubServer } from '../fixtures/hub-server.ts'
import { namesIn } from '../fixtures/pull-setting.ts'

const MODEL = 'models/respondent'
const TOKEN = 'hf_secret123'
const ID = 'ada/respondent'
const files: Record<string, HubServerFile> = {}
beforeAll(async () => {
  for (const name of await readdir(MODEL)) {
    files[name] = { bytes: await readFile(join(MODEL, name)), lfs: name.endsWith('.safetensors') }
  }
})

const servers: HubServer[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) await server.close()
})

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function setting(options: Partial<HubServerOptions> = {}) {
  const server = await hubServer({ files, ...options })
  servers.push(server)
  const cache = await mkdtemp(join(tmpdir(), 'palign-pull-'))
  const env = {
    ...process.env,
    PALIGN_CACHE: cache,
    HF_ENDPOINT: server.url,
    HF_TOKEN: '',
    PALIGN_HUB_TOKEN: undefined,
    HF_HUB_OFFLINE: '',
  }
  const run = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    new Promise<Run>((resolve) => {
      execFile('node', ['dist/cli/main.js', ...args], { env: { ...env, ...more } }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      )
    })
  const start = (...args: string[]) => {
    const child = spawn('node', ['dist/cli/main.js', ...args], { env, stdio: 'ignore' })
    children.push(child)
    return child
  }
  const home = join(cache, 'models/ada--respondent')
  return { server, cache, run, start, home, stage: join(home, '.0123456789ab.partial') }
}

/** About a second for the weights. */
const slowly = (path: string, index: number) =>
  path === 'model.safetensors' && index === 0 ? ({ kind: 'slow', bytes: 60_000, milliseconds: 10 } as const) : undefined

/** Bytes of the weights that are there, when there are some. */
async function partialBytes(stage: string): Promise<number> {
  for (;;) {
    for (const name of await namesIn(join(stage, 'parts'))) {
      const { size } = await stat(join(stage, 'parts', name)).catch(() => ({ size: 0 }))
      if (size > 500_000) return size
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('palign pull', () => {
  it('gives a folder that the other commands take as a model', async () => {
    const { run, home, server } = await setting()
    const { code, stdout, stderr } = await run(['pull', ID])
    expect(code).toBe(0)
    expect(stdout).toBe(`${join(home, '0123456789ab')}\n`)
    expect(stderr).toMatch(/published by ada, licence mit; 5 files, 5\.9 MB/)
    expect(server.asked.some(({ url }) => url.includes('loss.svg'))).toBe(false)
    const ask = (model: string) => run(['generate', '--model', model, '--max-tokens', '8', 'Who are you?'])
    const answer = await ask(stdout.trim())
    expect(answer.code).toBe(0)
    expect(answer.stdout).toBe((await ask(MODEL)).stdout)
  })

  it('tells what it would download, lists what it has, answers without a network, and removes', async () => {
    const { run, home, server } = await setting()
    const dry = JSON.parse((await run(['pull', ID, '--dry-run', '--json'])).stdout)
    expect(dry).toMatchObject({ id: ID, licence: 'mit', downloadedBytes: 0 })
    expect(await namesIn(home)).toEqual([])
    expect((await run(['pull', ID], { HF_HUB_OFFLINE: '1' })).code).toBe(3)
    const folder = (await run(['pull', ID])).stdout
    server.asked.length = 0
    expect((await run(['pull', ID, '--verify'], { HF_HUB_OFFLINE: '1' })).stdout).toBe(folder)
    expect((await run(['pull', `${ID}@main`, '--offline'])).stdout).toBe(folder)
    const list = JSON.parse((await run(['models', '--json'])).stdout)
    expect(list).toMatchObject([{ id: ID, folder: folder.trim(), commit: server.commit }])
    expect((await run(['models'])).stdout).toMatch(/^ada\/respondent {2}0123456789ab {2}5\.9 MB {2}mit/)
    expect((await run(['models', 'rm', ID])).stdout).toBe(`${folder.trim()} is removed\n`)
    expect((await run(['models'])).stdout).toBe('')
    expect((await run(['models', 'rm', ID])).code).toBe(3)
    expect(server.asked).toEqual([])
  })

  it('by two at once is one download', async () => {
    const { run, server } = await setting({ fault: slowly })
    const [one, other] = await Promise.all([run(['pull', ID]), run(['pull', ID])])
    expect([one.code, other.code]).toEqual([0, 0])
    expect(one.stdout).toBe(other.stdout)
    expect(one.stderr + other.stderr).toMatch(/waiting for process \d+ on .*, which works on the same folder/)
    expect(one.stderr + other.stderr).toMatch(/everything was here already/)
    expect(server.bytesAsked('model.safetensors')).toHaveLength(1)
  })

  it('that was killed goes on at the byte where it was', async () => {
    const { run, start, stage, home, server } = await setting({ fault: slowly })
    const child = start('pull', ID)
    await partialBytes(stage)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const left = await partialBytes(stage)
    expect(await namesIn(home)).not.toContain('0123456789ab')
    expect((await run(['pull', ID])).code).toBe(0)
    expect(server.bytesAsked('model.safetensors').map(({ range }) => range)).toEqual([undefined, `bytes=${left}-`])
    const pulled = await readFile(join(home, '0123456789ab/model.safetensors'))
    expect(pulled.equals(files['model.safetensors']!.bytes)).toBe(true)
    expect(await namesIn(home)).toEqual(['0123456789ab', 'refs.json'])
  })

  it('that was interrupted says so to the shell, keeps what came and gives its lock back', async () => {
    const { start, stage, home } = await setting({ fault: slowly })
    const child = start('pull', ID)
    await partialBytes(stage)
    child.kill('SIGINT')
    expect((await once(child, 'exit'))[0]).toBe(130)
    expect(await partialBytes(stage)).toBeGreaterThan(500_000)
    expect(await namesIn(home)).toEqual(['.0123456789ab.partial'])
  })

  it('takes a token from a file or the environment, and tells it to nobody (S-04)', async () => {
    const { run, cache, server } = await setting({ token: TOKEN })
    const refused = await run(['pull', ID])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/answered 401[\s\S]*HF_TOKEN or give --token-file/)
    expect((await run(['pull', ID, '--dry-run'], { HF_TOKEN: TOKEN })).code).toBe(0)
    const tokenFile = join(cache, 'token')
    await writeFile(tokenFile, `${TOKEN}\n`)
    const { code, stdout, stderr } = await run(['pull', ID, '--json', '--token-file', tokenFile])
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(TOKEN)
    expect(server.asked.filter(({ host, authorization }) => host === 'cdn' && authorization !== undefined)).toEqual([])
    const lock = await readFile(join(JSON.parse(stdout).folder, 'palign-lock.json'), 'utf8')
    expect(lock).not.toContain(TOKEN)
  })

  it('fails clearly for what is no model, what is not there, and what only runs code', async () => {
    const { run } = await setting({ files: { 'config.json': files['config.json']!, 'pytorch_model.bin': files['config.json']! } })
    expect(await run(['pull', '../../etc'])).toMatchObject({ code: 1, stderr: expect.stringMatching(/is no name of a hub/) })
    expect(await run(['pull', 'ada/nothing'])).toMatchObject({ code: 3, stderr: expect.stringMatching(/answered 404/) })
    expect(await run(['pull', ID])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/may run code .*"pytorch_model\.bin"/),
    })
    expect(await run(['pull', ID, '--file', 'pytorch_model.bin'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/may run code/),
    })
  })
})
