/** S-02, S-07, S-16, S-18: a shorter run of `npm run fuzz`; `PALIGN_TEST_SEED` tries others. */
import { describe, expect, it } from 'vitest'
import { fuzz } from '../../fuzz/fuzz.ts'
import { FUZZ_TARGETS } from '../../fuzz/targets.ts'

const INPUTS = 10_000
const seed = Number(process.env.PALIGN_TEST_SEED ?? 1)

describe('damaged files', () => {
  it.each(Object.keys(FUZZ_TARGETS))('of %s are read or refused, in time, and never come back changed', async (name) => {
    const { read, refused } = await fuzz(FUZZ_TARGETS[name]!(), { inputs: INPUTS, seed })
    expect(read + refused).toBe(INPUTS)
    // Mutants that are never read, or never refused, would show nothing.
    expect(read).toBeGreaterThan(INPUTS / 1000)
    expect(refused).toBeGreaterThan(INPUTS / 2)
  })

  it('are told of where a reader crashes, hangs or changes them', async () => {
    const files = [new Uint8Array(64)]
    const options = { inputs: 20, seed }
    await expect(fuzz({ files, read: async () => Promise.reject(new RangeError('offset')) }, options)).rejects.toThrow(
      'RangeError',
    )
    await expect(fuzz({ files, read: async (bytes) => bytes.slice(1) }, options)).rejects.toThrow('came back changed')
    const slow = async () => {
      const until = performance.now() + 120
      while (performance.now() < until);
      return undefined
    }
    await expect(fuzz({ files, read: slow }, options)).rejects.toThrow('ms')
  })
})
