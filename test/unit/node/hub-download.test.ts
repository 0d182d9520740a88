import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { hubAt } from '../../../src/node/hub-request.ts'
import { type Fault, sha256 } from '../../fixtures/hub-server.ts'
import { faultsOf, namesIn, setting, small, weights } from '../../fixtures/pull-setting.ts'

const TOKEN = 'hf_secret123'

describe('a cut', () => {
  it('is gone on with at the byte where it was', async () => {
    const set = await setting({ fault: faultsOf('model.safetensors', { kind: 'cut', after: 100_000 }) })
    await set.pull()
    const { bytes } = small['model.safetensors']
    expect(set.server.bytesAsked('model.safetensors')).toMatchObject([
      { range: undefined },
      { range: 'bytes=100000-', ifRange: `"${sha256(bytes)}"` },
    ])
    expect(set.waits).toEqual([1000])
  })

  it('of a whole run too, without asking again for what was there', async () => {
    const cuts: Fault[] = [{ kind: 'cut', after: 70_000 }]
    const set = await setting({ fault: faultsOf('model.safetensors', ...cuts) })
    await expect(set.pull({ attempts: 1 })).rejects.toThrow(/the same command goes on|cannot be read/)
    expect(await namesIn(set.folder)).toEqual([])
    set.server.asked.length = 0
    const { downloadedBytes, bytes } = await set.pull()
    expect(set.server.bytesAsked('model.safetensors')).toMatchObject([{ range: 'bytes=70000-' }])
    expect(set.server.bytesAsked('config.json')).toEqual([])
    expect(downloadedBytes).toBeLessThan(bytes - 70_000 + 1)
  })

  it('starts over where the server knows no ranges', async () => {
    const set = await setting({ fault: faultsOf('model.safetensors', { kind: 'cut', after: 9000 }, { kind: 'ignore-range' }) })
    await set.pull()
    expect(set.server.bytesAsked('model.safetensors')).toMatchObject([{ range: undefined }, { range: 'bytes=9000-' }])
  })

  it('starts over where the server has another version by then', async () => {
    const set = await setting({
      fault: faultsOf('model.safetensors', { kind: 'cut', after: 9000 }, { kind: 'etag', etag: '"other"' }),
    })
    expect((await set.pull()).downloadedBytes).toBe(300_030 + 9000)
  })

  it('starts over where what came before was wrong, once', async () => {
    const set = await setting({ fault: faultsOf('model.safetensors', { kind: 'cut', after: 9000 }) })
    await expect(set.pull({ attempts: 1 })).rejects.toThrow()
    const parts = join(set.cache, 'models/ada--respondent/.0123456789ab.partial/parts')
    const [part] = (await namesIn(parts)).filter((name) => name.endsWith('.partial'))
    await writeFile(join(parts, part!), new Uint8Array(9000))
    await set.pull()
    expect(set.server.bytesAsked('model.safetensors').map(({ range }) => range)).toEqual([undefined, 'bytes=9000-', undefined])
  })

  it('refuses a range from another place', async () => {
    const set = await setting({ fault: faultsOf('model.safetensors', { kind: 'cut', after: 9000 }, { kind: 'wrong-range' }) })
    await expect(set.pull()).rejects.toThrow(/comes from another place than byte 9000 of 300000/)
  })

  it('is given up on when it comes again and again at one place', async () => {
    const set = await setting({ fault: (path) => (path === 'model.safetensors' ? { kind: 'cut', after: 10 } : undefined) })
    await expect(set.pull()).rejects.toThrow(expect.objectContaining({ code: 'engine-failed' }))
    expect(set.server.bytesAsked('model.safetensors')).toHaveLength(5)
    expect(set.waits).toEqual([1000, 2000, 4000, 8000])
  })

  it('is waited out as long as there is progress', async () => {
    const large = { ...small, 'model.safetensors': weights(8 << 20) }
    const cuts = Array.from({ length: 6 }, (): Fault => ({ kind: 'cut', after: 5 << 18 }))
    const set = await setting({ files: large, fault: faultsOf('model.safetensors', ...cuts) })
    await set.pull({ attempts: 2 })
    expect(set.waits).toEqual(Array(6).fill(1000))
  })
})

describe('a server that is slow or busy', () => {
  it('is asked again later, or when it says', async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
      { kind: 'status', status: 503 },
    ]
    const set = await setting({
      fault: faultsOf('model.safetensors', ...faults),
      listing: (json, index) => (index === 0 ? 429 : json),
    })
    await set.pull()
    expect(set.waits).toEqual([7000, 7000, 2000])
  })

  it('that sends nothing more is left after a while, and gone on with', async () => {
    const set = await setting({ fault: faultsOf('model.safetensors', { kind: 'stall', after: 5000 }) })
    await set.pull({ stallMilliseconds: 1500 })
    expect(set.server.bytesAsked('model.safetensors').map(({ range }) => range)).toEqual([undefined, 'bytes=5000-'])
    const never = await setting({ fault: () => ({ kind: 'stall', after: 0 }) })
    await expect(never.pull({ stallMilliseconds: 50, attempts: 2 })).rejects.toThrow(
      expect.objectContaining({ code: 'deadline-exceeded' }),
    )
  })

  it('is left at once on a signal, and what has come stays', async () => {
    const set = await setting({ fault: faultsOf('model.safetensors', { kind: 'slow', bytes: 10_000, milliseconds: 20 }) })
    const controller = new AbortController()
    const onProgress = ({ done }: { done: number }) => done > 50_000 && controller.abort()
    await expect(set.pull({ signal: controller.signal, onProgress })).rejects.toThrow(
      expect.objectContaining({ code: 'aborted' }),
    )
    expect(await namesIn(set.folder)).toEqual([])
    await set.pull()
    const [, next] = set.server.bytesAsked('model.safetensors')
    expect(Number(/\d+/.exec(next!.range!)![0])).toBeGreaterThan(40_000)
  })
})

describe('bytes that are not the declared ones', () => {
  const wrong = new Uint8Array(300_000)
  it.each<[string, Fault, RegExp]>([
    [
      'of another hash',
      { kind: 'bytes', bytes: wrong },
      /model\.safetensors of ada\/respondent has the sha256 .* the hub declares/,
    ],
    ['that are too many', { kind: 'bytes', bytes: new Uint8Array(300_001) }, /has more than the 300000 bytes declared/],
    ['with another length at their head', { kind: 'bytes', bytes: wrong, length: 400_000 }, /comes with 400000 bytes/],
    [
      'that are fewer than their head says',
      { kind: 'bytes', bytes: wrong.subarray(1), length: 299_999 },
      /comes with 299999 bytes/,
    ],
    ['that are packed', { kind: 'gzip' }, /comes packed \(gzip\)/],
  ])('%s leave nothing behind under any name', async (_, fault, message) => {
    const set = await setting({ fault: (path) => (path === 'model.safetensors' ? fault : undefined) })
    await expect(set.pull()).rejects.toThrow(
      expect.objectContaining({ code: 'malformed-file', message: expect.stringMatching(message) }),
    )
    expect(await namesIn(set.folder)).toEqual([])
    const stage = join(set.cache, 'models/ada--respondent/.0123456789ab.partial')
    expect(await namesIn(join(stage, 'files'))).not.toContain('model.safetensors')
    for (const part of await namesIn(join(stage, 'parts'))) expect((await stat(join(stage, 'parts', part))).size).toBe(0)
  })

  it('of small files are known by the id that git has for them', async () => {
    const set = await setting({
      fault: faultsOf('config.json', { kind: 'bytes', bytes: small['config.json'].bytes.map((b) => b ^ 1) }),
    })
    await expect(set.pull()).rejects.toThrow(/config\.json of ada\/respondent has the git-sha1/)
  })

  it('as a listing are bounded, unpacked too (S-05)', async () => {
    const set = await setting({ listing: () => gzipSync(new Uint8Array(1 << 26)) })
    await expect(set.pull()).rejects.toThrow(/has more than 8388608 bytes/)
    const long = await setting({ listing: () => 'x'.repeat(9 << 20) })
    await expect(long.pull()).rejects.toThrow(/has more than 8388608 bytes/)
  })
})

describe('a token', () => {
  it('is asked for where there is none, and never told', async () => {
    const set = await setting({ token: TOKEN })
    await expect(set.pull()).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-input', hint: expect.stringContaining('HF_TOKEN') }),
    )
    const error = await set.pull({ hub: hubAt(set.server.url, 'hf_other') }).catch((reason: unknown) => reason)
    expect(JSON.stringify([error, (error as Error).message])).not.toContain('hf_other')
  })

  it('goes to the hub and to no host that the hub leads to (S-04)', async () => {
    const set = await setting({ token: TOKEN })
    await set.pull({ hub: hubAt(set.server.url, TOKEN) })
    const of = (host: string) => set.server.asked.filter((each) => each.host === host).map(({ authorization }) => authorization)
    expect(new Set(of('hub'))).toEqual(new Set([`Bearer ${TOKEN}`]))
    expect(of('cdn')).toEqual([undefined])
  })

  it('is not even sent where a foreign host leads back (S-04)', async () => {
    let back = ''
    const set = await setting({
      token: TOKEN,
      fault: (path, index) => (path === 'model.safetensors' && index === 0 ? { kind: 'redirect', to: back } : undefined),
    })
    back = `${set.server.url}/anything`
    await expect(set.pull({ hub: hubAt(set.server.url, TOKEN) })).rejects.toThrow(/401/)
    expect(set.server.asked.at(-1)).toMatchObject({ host: 'hub', url: '/anything', authorization: undefined })
  })
})

describe('redirects', () => {
  it('end somewhere', async () => {
    const set = await setting({
      fault: (path) => (path === 'config.json' ? { kind: 'redirect', to: '/ada/respondent/resolve/x' } : undefined),
    })
    await expect(set.pull()).rejects.toThrow(/404/)
    const loop = await setting({
      fault: (path) =>
        path === 'config.json' ? { kind: 'redirect', to: `/ada/respondent/resolve/${set.server.commit}/config.json` } : undefined,
    })
    await expect(loop.pull()).rejects.toThrow(/redirects more than 5 times/)
    expect(loop.server.bytesAsked('config.json')).toHaveLength(6)
  })
})
