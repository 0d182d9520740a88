import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createKey, keyRing, readKeys, revokeKey } from '../../src/server/keys.ts'
import type { Scope } from '../../src/server/scopes.ts'
import { appOf, chat, get, hello, KEY, problemOf } from './asking.ts'

const fresh = async () => join(await mkdtemp(join(tmpdir(), 'palign-keys-')), 'keys.json')
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('a file of keys', () => {
  it('holds hashes only, and only its owner may read it', async () => {
    const path = await fresh()
    const { key, stored } = await createKey(path, { name: 'laptop', scopes: ['chat'] })
    expect(key).toMatch(/^pk_[A-Za-z0-9_-]{43}$/)
    const text = await readFile(path, 'utf8')
    expect(text).not.toContain(key)
    expect(text).not.toContain(key.slice(3, 20))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readKeys(path)).toEqual([stored])
  })

  it('loses a key by its id or its name, and says when that is not one', async () => {
    const path = await fresh()
    const { stored } = await createKey(path, { name: 'a', scopes: ['chat'] })
    await createKey(path, { name: 'b', scopes: ['chat'] })
    await createKey(path, { name: 'b', scopes: ['chat'] })
    await revokeKey(path, stored.id)
    expect((await readKeys(path)).map(({ name }) => name)).toEqual(['b', 'b'])
    await expect(revokeKey(path, 'b')).rejects.toThrow(/belongs to 2 keys/)
    await expect(revokeKey(path, 'a')).rejects.toThrow(/does not exist/)
  })

  it('that is damaged is refused', async () => {
    const path = await fresh()
    for (const text of ['{', '{"version":2,"keys":[]}', '{"version":1,"keys":[{"id":"key_1"}]}']) {
      await writeFile(path, text)
      await expect(readKeys(path)).rejects.toThrow(/keys|JSON/)
    }
  })
})

describe('a server with keys', () => {
  const serving = async () => {
    const path = await fresh()
    const failures: unknown[] = []
    let now = Date.now()
    const later = (ms: number) => {
      now += ms
    }
    const keys = await keyRing({ path, onFailure: (error) => failures.push(error), now: () => now })
    const app = appOf({ hosts: undefined, keys })
    const make = async (...scopes: Scope[]) => createKey(path, { name: 'k', scopes })
    return { path, app, make, failures, later }
  }

  it('asks for one on every route but health, however the path is written (S-04, S-20)', async () => {
    const { app } = await serving()
    for (const path of [
      '/v1/models',
      '/v1//models',
      '/v1/%6dodels',
      '/v1%2Fmodels',
      '/V1/MODELS',
      '//health',
      '/health/',
      '/Health',
      '/health%2F',
      '/health?x',
      '/nothing',
      '/metrics',
      '/openapi.json',
      '/props',
    ]) {
      const response = await get(app, path)
      if (path === '/health?x') expect(response.status).toBe(200)
      else expect([path, response.status, response.headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer'])
    }
    expect((await get(app, '/health')).status).toBe(200)
  })

  it.each(['', 'Bearer', 'Bearer ', `Basic ${KEY}`, `Bearer ${KEY} ${KEY}`, `Bearer ${'x'.repeat(600)}`, 'Bearer pk_'])(
    'says of %j no more than that it is none',
    async (authorization) => {
      const { app } = await serving()
      expect(await problemOf(await get(app, '/v1/models', { authorization }))).toMatchObject({
        status: 401,
        code: 'invalid_api_key',
        message: 'API key is missing or wrong',
      })
    },
  )

  it('takes a key made while it runs, and refuses one revoked while it runs', async () => {
    const { app, make, path } = await serving()
    const { key, stored } = await make('chat')
    expect((await chat(app, hello, bearer(key))).status).toBe(200)
    await revokeKey(path, stored.id)
    expect((await chat(app, hello, bearer(key))).status).toBe(401)
  })

  it('takes no key whose file cannot be read any more, and says so to the operator', async () => {
    const { app, make, path, failures } = await serving()
    const { key } = await make('chat')
    await writeFile(path, 'no JSON at all, and another size')
    expect((await chat(app, hello, bearer(key))).status).toBe(401)
    expect(failures).toHaveLength(1)
  })

  it('takes no key after its time', async () => {
    const { app, path, later } = await serving()
    const { key } = await createKey(path, { name: 'k', scopes: ['chat'], expires: new Date(Date.now() + 60_000).toISOString() })
    expect((await chat(app, hello, bearer(key))).status).toBe(200)
    later(120_000) // the ring's clock began a little before the key was made
    expect((await chat(app, hello, bearer(key))).status).toBe(401)
  })

  it('opens routes by scope, and names the one that is missing', async () => {
    const { app, make } = await serving()
    const [chatKey, readKey, adminKey] = [await make('chat'), await make('personas:read'), await make('admin')]
    expect(await problemOf(await chat(app, hello, bearer(readKey.key)))).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
      message: expect.stringContaining('chat'),
    })
    expect(await problemOf(await get(app, '/metrics', bearer(chatKey.key)))).toMatchObject({
      status: 403,
      message: expect.stringContaining('admin'),
    })
    expect((await get(app, '/v1/models', bearer(readKey.key))).status).toBe(200)
    for (const path of ['/metrics', '/v1/models', '/props']) expect((await get(app, path, bearer(adminKey.key))).status).toBe(200)
    expect((await chat(app, hello, bearer(adminKey.key))).status).toBe(200)
  })

  it('compares whole hashes, whatever the length of what is given (S-14)', async () => {
    const app = appOf({ hosts: undefined, apiKey: KEY })
    for (const given of [KEY.slice(1), `${KEY}k`, 'k', 'j'.repeat(20)])
      expect((await get(app, '/v1/models', bearer(given))).status).toBe(401)
    expect((await get(app, '/v1/models', bearer(KEY))).status).toBe(200)
    const source = await Promise.all(['authenticate', 'keys'].map((name) => readFile(`src/server/${name}.ts`, 'utf8')))
    for (const text of source) expect(text).toContain('timingSafeEqual(')
  })
})
