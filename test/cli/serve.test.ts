import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

const env = { ...process.env, PALIGN_API_KEY: undefined, PALIGN_KEYS: '/nonexistent/keys.json' }
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Serving {
  readonly child: ChildProcess
  readonly url: string
  readonly log: () => string
}

/** The command when it says that it is ready. */
async function started(...args: string[]): Promise<Serving> {
  const child = spawn('node', ['dist/cli/main.js', 'serve', '--model', 'models/respondent', '--port', '0', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  })
  children.push(child)
  let log = ''
  child.stderr.on('data', (piece) => {
    log += String(piece)
  })
  let text = ''
  for await (const piece of child.stdout) {
    text += String(piece)
    if (text.trimEnd().endsWith('}')) break
  }
  return { child, url: (JSON.parse(text) as { url: string }).url, log: () => log }
}

const messages = [{ role: 'user', content: 'Who are you?' }]
const ask = (url: string, fields: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'respondent', messages, max_tokens: 8, temperature: 0, ...fields }),
  })

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = (...args: string[]) =>
  new Promise<Run>((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })

describe('palign serve', () => {
  it('answers over HTTP, logs a line and nothing of what was said, and stops on a signal', async () => {
    const { url, child, log } = await started()
    const { choices } = (await (await ask(url, {})).json()) as { choices: { message: { content: string } }[] }
    expect(choices[0]!.message.content.length).toBeGreaterThan(0)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
    expect(log()).toMatch(/"route":"\/v1\/chat\/completions","status":200/)
    expect(log()).not.toContain('Who are you')
  })

  it('ends answers in flight before it stops, and takes no new ones', async () => {
    const { url, child } = await started()
    const response = await ask(url, { stream: true, max_tokens: 200, ignore_eos: false })
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    const text = await response.text()
    expect(text).toMatch(/"finish_reason":"(stop|length)"/)
    expect(text).toMatch(/data: \[DONE\]\n\n$/)
    expect((await ended)[0]).toBe(0)
    await expect(ask(url, {})).rejects.toThrow()
  })

  it('cuts answers that outlast its patience, and they say so', async () => {
    const { url, child } = await started('--drain-seconds', '0')
    const bodies = Array.from({ length: 8 }, (_, seed) =>
      ask(url, { stream: true, max_tokens: 1500, n: 8, temperature: 2, seed }),
    )
    const responses = await Promise.all(bodies)
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    const texts = await Promise.all(responses.map((response) => response.text().catch(() => 'cut')))
    expect((await ended)[0]).toBe(0)
    const isWhole = (text: string) => text.match(/"finish_reason":"/g)?.length === 8
    for (const text of texts) expect(text === 'cut' || isWhole(text) || text.includes('the server is stopping')).toBe(true)
    expect(texts.some((text) => text.includes('the server is stopping'))).toBe(true)
  })

  it('leaves at once on a second signal', async () => {
    const { url, child } = await started()
    const response = await ask(url, { stream: true, max_tokens: 1500, n: 8, temperature: 2 })
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGTERM')
    expect(await ended).toEqual([null, 'SIGTERM'])
    await expect(response.text()).rejects.toThrow()
  })

  it('refuses to be reached from other machines without a key (S-04)', async () => {
    // Every address, every name but this machine's own: what it resolves to may change.
    const hosts = ['0.0.0.0', '::', '', '0', '::ffff:127.0.0.1', 'localhost.', 'localhost.example', hostname()]
    for (const { code, stderr } of await Promise.all(
      hosts.map((host) => run('serve', '--model', 'models/respondent', '--host', host)),
    )) {
      expect(code).toBe(1)
      expect(stderr).toMatch(/no key is asked for/)
    }
  })

  it('says that its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const { code, stderr } = await run('serve', '--model', 'models/respondent', '--port', String(port))
    taken.close()
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`port ${port} of 127.0.0.1 cannot be listened on`))
    expect(stderr).toMatch(/--port/)
  })

  it('fails clearly where there is no model', async () => {
    const { code, stderr } = await run('serve', '--model', '/nonexistent', '--port', '0')
    expect(code).toBe(3)
    expect(stderr).toMatch(/does not exist/)
  })
})

describe('palign keys', () => {
  it('makes a key that a server takes, and revokes it while the server runs', async () => {
    const keys = join(await mkdtemp(join(tmpdir(), 'palign-keys-')), 'keys.json')
    const made = await run('keys', 'create', '--name', 'laptop', '--keys', keys)
    const key = made.stdout.trim()
    expect(key).toMatch(/^pk_/)
    expect(made.stderr).toMatch(/only time/)
    const { stdout: list } = await run('keys', 'list', '--json', '--keys', keys)
    expect(list).not.toMatch(/hash|pk_/)
    const [{ id }] = JSON.parse(list) as [{ id: string }]
    const { url } = await started('--keys', keys)
    const authorization = `Bearer ${key}`
    expect((await ask(url, {}, { authorization })).status).toBe(200)
    expect((await ask(url, {})).status).toBe(401)
    expect((await run('keys', 'revoke', id, '--keys', keys)).code).toBe(0)
    expect((await ask(url, {}, { authorization })).status).toBe(401)
  })

  it('wants scopes that there are, and ids to revoke', async () => {
    expect((await run('keys', 'create', '--name', 'x', '--scope', 'everything')).code).toBe(2)
    expect((await run('keys', 'revoke', 'nobody', '--keys', join(tmpdir(), 'palign-no-keys.json'))).code).toBe(3)
  })
})
