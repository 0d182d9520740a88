import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { activationCache, cacheFolder } from '../../../src/node/activation-cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-cache-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

const key = { fingerprint: 'f', prompts: [{ tokens: [1, 2] }, { tokens: [3] }] }
const activations = { values: Float32Array.of(1, -2, 3.5, 0.1), samples: 2, shape: { layers: 1, heads: 1, headDim: 2 } }

describe('activation cache', () => {
  it('gives back what it was told, and nothing for other prompts or models', async () => {
    const cache = activationCache(folder)
    expect(await cache.read(key)).toBeUndefined()
    await cache.write(key, activations)
    expect(await cache.read(key)).toEqual(activations.values)
    expect(await cache.read({ ...key, fingerprint: 'g' })).toBeUndefined()
    expect(await cache.read({ ...key, prompts: [{ tokens: [1] }, { tokens: [2, 3] }] })).toBeUndefined()
  })

  it('treats a damaged file as absent', async () => {
    const cache = activationCache(folder)
    await cache.write(key, activations)
    const [file] = readdirSync(join(folder, 'activations'))
    truncateSync(join(folder, 'activations', file!), 20)
    expect(await cache.read(key)).toBeUndefined()
  })

  it('lies where the environment says', () => {
    expect(cacheFolder({ PALIGN_CACHE: '/a' })).toBe('/a')
    expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/palign')
  })
})
