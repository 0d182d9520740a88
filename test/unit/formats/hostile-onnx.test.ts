import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PalignError } from '../../../src/errors.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { checkExternalData } from '../../../src/formats/onnx-check.ts'
import { readOnnxModel } from '../../../src/formats/onnx-reader.ts'
import { goodOnnx, hostileOnnx, modelOf, outside, tensor } from '../../fixtures/hostile-onnx.ts'

const MOST_MS = 100
const MOST_BYTES = 64 << 20
const inUse = () => {
  const { heapUsed, arrayBuffers, external } = process.memoryUsage()
  return heapUsed + arrayBuffers + external
}

/** Refused as ours, quickly, and without taking memory; a second try where the machine was busy. */
async function expectRefusal(name: string, bytes: Uint8Array): Promise<void> {
  let ms = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3 && ms >= MOST_MS; i++) {
    const [before, began] = [inUse(), performance.now()]
    const error: unknown = await readOnnxModel(bytesSource(bytes)).then(
      () => 'it was read',
      (caught: unknown) => caught,
    )
    ms = performance.now() - began
    const code = name === 'a domain of its own' ? 'unsupported-model' : 'malformed-file'
    expect([name, error]).toEqual([name, expect.objectContaining({ name: 'PalignError', code })])
    expect((error as Error).message.length).toBeLessThan(1000)
    expect(inUse() - before).toBeLessThan(MOST_BYTES)
  }
  expect([name, ms < MOST_MS]).toEqual([name, true])
}

describe('a hostile ONNX file (S-02, S-16, S-17, S-18)', () => {
  const files = hostileOnnx()

  it('is one of many, made from one that is good', async () => {
    expect(files.length).toBeGreaterThan(200)
    const { graph } = await readOnnxModel(bytesSource(goodOnnx()))
    expect(graph.nodes.map(({ domain }) => domain)).toEqual(['', 'com.microsoft'])
    expect(graph.tensors[0]).toMatchObject({ name: 'w', shape: [2], elementType: 1 })
  })

  it('is refused by its rule, in 100 ms and without 64 MB', async () => {
    for (const [name, bytes] of files) await expectRefusal(name, bytes)
  })

  it('of three gigabytes is refused by its size', async () => {
    const source = { byteLength: 3 * 2 ** 30, slice: async () => new Uint8Array() }
    await expect(readOnnxModel(source)).rejects.toThrow('at most 2147483648 are read')
  })

  it('whose numbers end behind the end of their file is refused', async () => {
    const bytes = modelOf((graph) => graph.message(5, tensor('e', outside({ location: 'w', offset: '8' }))))
    const model = await readOnnxModel(bytesSource(bytes))
    expect(() => checkExternalData(model, new Map([['w', 16]]))).not.toThrow()
    expect(() => checkExternalData(model, new Map([['w', 15]]))).toThrow('ends at byte 16 of "w", which has 15')
    expect(() => checkExternalData(model, new Map())).toThrow('which has 0')
  })

  it('with any bytes changed is read or refused, and never anything else', async () => {
    const good = goodOnnx()
    const change = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = good.slice()
        for (const { at, to } of changes) bytes[at] = to
        const error: unknown = await readOnnxModel(bytesSource(bytes)).then(
          () => undefined,
          (caught: unknown) => caught,
        )
        expect(error === undefined || error instanceof PalignError).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
