import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type PullPlan, pulledModel } from '../../../src/node/pull-model.ts'
import { sha256 } from '../../fixtures/hub-server.ts'
import { namesIn, type Setting, setting, small, text, weights } from '../../fixtures/pull-setting.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const planOf = async (set: Setting) => {
  const plans: PullPlan[] = []
  await set.pull({ dryRun: true, onPlan: (plan) => void plans.push(plan) })
  return plans[0]!
}
const pathsOf = ({ files }: { files: readonly { path: string }[] }) => files.map(({ path }) => path).sort()

describe('a pulled model', () => {
  it('is a folder of real files with a lock that holds commit, sizes and hashes', async () => {
    const set = await setting()
    const pulled = await set.pull()
    expect(pulled).toMatchObject({
      id: 'ada/respondent',
      commit: set.server.commit,
      folder: set.folder,
      publisher: 'ada',
      licence: 'mit',
    })
    expect(pulled.downloadedBytes).toBe(pulled.bytes)
    for (const [path, { bytes }] of Object.entries(small)) {
      expect((await stat(join(set.folder, path))).isFile()).toBe(true)
      expect((await readFile(join(set.folder, path))).equals(bytes)).toBe(true)
    }
    const lock = JSON.parse(await readFile(join(set.folder, 'palign-lock.json'), 'utf8'))
    expect(lock).toMatchObject({
      format: 1,
      hub: set.server.url,
      id: 'ada/respondent',
      revision: 'main',
      commit: set.server.commit,
    })
    const { bytes } = small['model.safetensors']
    expect(lock.files).toContainEqual({ path: 'model.safetensors', size: bytes.length, sha256: sha256(bytes) })
    expect(await namesIn(join(set.cache, 'models/ada--respondent'))).toEqual(['0123456789ab', 'refs.json'])
  })

  it('comes from one commit, however the branch moves', async () => {
    const set = await setting()
    await set.pull()
    expect(set.server.asked.filter(({ url }) => url.includes('/revision/')).map(({ url }) => url)).toEqual([
      '/api/models/ada/respondent/revision/main?blobs=true',
    ])
    const files = set.server.asked.filter(({ host, url }) => host === 'hub' && url.includes('/resolve/'))
    expect(files).toHaveLength(5)
    expect(files.every(({ url }) => url.startsWith(`/ada/respondent/resolve/${set.server.commit}/`))).toBe(true)
  })

  it('is compared and not downloaded again', async () => {
    const set = await setting()
    await set.pull()
    set.server.asked.length = 0
    expect((await set.pull()).downloadedBytes).toBe(0)
    expect(set.server.asked).toHaveLength(1)
  })

  it('with a changed byte is an error, and is not repaired in silence', async () => {
    const set = await setting()
    await set.pull()
    const path = join(set.folder, 'model.safetensors')
    const bytes = await readFile(path)
    bytes[5]! ^= 1
    await writeFile(path, bytes)
    await expect(set.pull()).rejects.toThrow(/model\.safetensors has the sha256 .*, the lock says/)
    expect((await readFile(path)).equals(bytes)).toBe(true)
  })

  it('never becomes another one under the same commit (S-22)', async () => {
    const set = await setting()
    await set.pull()
    const other = await setting({ files: { ...small, 'config.json': text('{"hidden_size":2}') } })
    await expect(other.pull({ cache: set.cache })).rejects.toThrow(
      /config\.json of ada\/respondent is another one under the same commit/,
    )
    expect(await readFile(join(set.folder, 'config.json'), 'utf8')).toBe('{"hidden_size":1}')
  })

  it('gets further files where they are asked for', async () => {
    const set = await setting({ files: { ...small, 'model.gguf': weights(1000) } })
    await set.pull()
    expect((await set.pull({ files: ['model.gguf'] })).downloadedBytes).toBe(1000)
    expect(await namesIn(set.folder)).toEqual(expect.arrayContaining(['model.gguf', 'model.safetensors']))
    const lock = JSON.parse(await readFile(join(set.folder, 'palign-lock.json'), 'utf8'))
    expect(pathsOf(lock)).toEqual([...Object.keys(small), 'model.gguf'].sort())
  })

  it('goes where it is told to, and not over other things', async () => {
    const set = await setting()
    const out = join(set.cache, 'here')
    await mkdir(out)
    expect((await set.pull({ out })).folder).toBe(out)
    const lock = JSON.parse(await readFile(join(out, 'palign-lock.json'), 'utf8'))
    expect(lock.id).toBe('ada/respondent')
    const taken = join(set.cache, 'taken')
    await mkdir(taken)
    await writeFile(join(taken, 'thesis.txt'), 'x')
    await expect(set.pull({ out: taken })).rejects.toThrow(/holds other files: thesis\.txt/)
    const moved = await setting({ commit: 'f'.repeat(40) })
    await expect(moved.pull({ out })).rejects.toThrow(/not ada\/respondent at fff/)
  })
})

describe('before the first byte', () => {
  it('size, publisher, licence, commit and what is left out are told, and a dry run stops there', async () => {
    const set = await setting({
      files: { ...small, 'modeling.py': text('x'), 'pytorch_model.bin': weights(10), 'a.zip': text('x') },
    })
    const plan = await planOf(set)
    expect(plan).toMatchObject({ publisher: 'ada', licence: 'mit', commit: set.server.commit, bytes: 300_000 + 17 + 2 + 8 + 3 })
    expect(plan.leftOut.map(({ path, why }) => `${path}: ${why}`)).toEqual([
      'modeling.py: code',
      'pytorch_model.bin: weights that may run code when they are read',
      'a.zip: an archive',
    ])
    expect(set.server.asked).toHaveLength(1)
    expect(await namesIn(set.cache)).toEqual([])
  })

  it('a disk without the space is an error', async () => {
    const set = await setting()
    await expect(set.pull({ freeBytes: async () => 1 << 20 })).rejects.toThrow(/disk of .* has 1048576 bytes free/)
    expect(set.server.asked).toHaveLength(1)
  })
})

describe('a listing', () => {
  it('of nothing is not found', async () => {
    const set = await setting()
    await expect(set.pull({}, 'ada/nothing')).rejects.toThrow(expect.objectContaining({ code: 'not-found' }))
  })

  it.each<[string, (json: Record<string, unknown>) => unknown, RegExp]>([
    ['that is no JSON', () => '<html>', /not valid JSON/],
    ['without a commit', ({ sha: _, ...rest }) => rest, /sha/],
    ['of another commit than was asked for', (json) => json, /asked for ffff/],
    ['of a model with another name', (json) => ({ ...json, id: 'eve/respondent' }), /has another name now: "eve\/respondent"/],
    ['with a name that leads elsewhere', withFile('../../.bashrc'), /leads elsewhere/],
    ['with a name for another system', withFile('a\\..\\x.safetensors'), /leads elsewhere/],
    ['with weights of an odd name', withFile('model \u202e.safetensors', 'model.safetensors'), /name that is not taken/],
    ['with a negative size', withSize(-1), /size/],
    ['with a size beyond counting', withSize(2 ** 60), /size/],
    ['without sizes', withSize(undefined), /has no size/],
    ['of more than 1,000 files', (json) => ({ ...json, siblings: Array(1001).fill({ rfilename: 'x' }) }), /1001 files/],
  ])('%s is refused', async (name, listing, message) => {
    const set = await setting({ listing })
    const id = name.includes('another commit') ? `ada/respondent@${'f'.repeat(40)}` : undefined
    await expect(set.pull({}, id)).rejects.toThrow(message)
    expect(await namesIn(set.cache)).toEqual([])
  })

  function withFile(rfilename: string, inPlaceOf = 'none') {
    return (json: Record<string, unknown>) => {
      const siblings = (json.siblings as { rfilename: string }[]).filter((file) => file.rfilename !== inPlaceOf)
      return { ...json, siblings: [...siblings, { rfilename, size: 1, blobId: 'a'.repeat(40) }] }
    }
  }

  function withSize(size: number | undefined) {
    return (json: Record<string, unknown>) => ({
      ...json,
      siblings: [{ rfilename: 'model.safetensors', size, blobId: 'a'.repeat(40) }],
    })
  }
})

describe('without a network', () => {
  const offline = (set: Setting, id = 'ada/respondent', more: Partial<Parameters<typeof pulledModel>[1]> = {}) =>
    pulledModel(id, { cache: set.cache, hub: set.server.url, ...more })

  it('what was pulled is found by branch and by commit, and no request is made', async () => {
    const set = await setting()
    await set.pull()
    const request = vi.fn(() => Promise.reject(new Error('no network')))
    vi.stubGlobal('fetch', request)
    set.server.asked.length = 0
    expect((await offline(set)).folder).toBe(set.folder)
    expect((await offline(set, `ada/respondent@${set.server.commit}`, { verify: true })).folder).toBe(set.folder)
    expect(request).not.toHaveBeenCalled()
    expect(set.server.asked).toEqual([])
  })

  it('what was not pulled is named, with what would pull it', async () => {
    const set = await setting()
    await expect(offline(set)).rejects.toThrow(
      expect.objectContaining({ code: 'not-found', hint: expect.stringContaining('palign pull ada/respondent') }),
    )
    await set.pull()
    await expect(offline(set, 'ada/respondent@v2')).rejects.toThrow(/not pulled at revision v2/)
    await expect(offline(set, 'ada/respondent', { files: ['x.gguf'] })).rejects.toThrow(
      /file x\.gguf of ada\/respondent was not pulled/,
    )
    await expect(offline(set, 'ada/respondent', { hub: 'https://other.example' })).rejects.toThrow(/not pulled/)
  })

  it('sizes are compared, and hashes where that is asked for', async () => {
    const set = await setting()
    await set.pull()
    await writeFile(join(set.folder, 'tokenizer.json'), '[]')
    await offline(set)
    await expect(offline(set, 'ada/respondent', { verify: true })).rejects.toThrow(/tokenizer\.json has the sha256/)
    await writeFile(join(set.folder, 'tokenizer.json'), '[1]')
    await expect(offline(set)).rejects.toThrow(/tokenizer\.json has 3 bytes, the lock says 2/)
  })

  it('a folder of --out answers for what it holds', async () => {
    const set = await setting()
    const out = join(set.cache, 'here')
    await set.pull({ out })
    expect((await offline(set, 'ada/respondent', { out })).folder).toBe(out)
    await expect(offline(set, 'ada/other', { out })).rejects.toThrow(
      /holds ada\/respondent at revision main, expected ada\/other/,
    )
  })

  it('a lock whose paths lead elsewhere is none (S-01)', async () => {
    const set = await setting()
    await set.pull()
    const path = join(set.folder, 'palign-lock.json')
    const lock = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...lock, files: [{ ...lock.files[0], path: '../../../../x' }] }))
    await expect(offline(set)).rejects.toThrow(/is no lock of a model: files\.0\.path/)
  })
})
