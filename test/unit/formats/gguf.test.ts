import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PalignError } from '../../../src/errors.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { type GgmlType, ggmlBlock } from '../../../src/formats/ggml-types.ts'
import {
  type GgufContent,
  type GgufScalarKind,
  type GgufTensorBytes,
  type GgufValue,
  ggufStart,
  readGgufHeader,
  writeGguf,
} from '../../../src/formats/gguf.ts'

const whole = (min: number, max: number) => fc.integer({ min, max })
const SCALARS: Readonly<Record<GgufScalarKind, fc.Arbitrary<unknown>>> = {
  uint8: whole(0, 255),
  int8: whole(-128, 127),
  uint16: whole(0, 65_535),
  int16: whole(-32_768, 32_767),
  uint32: whole(0, 2 ** 32 - 1),
  int32: whole(-(2 ** 31), 2 ** 31 - 1),
  float32: fc.float({ noNaN: true }),
  float64: fc.double({ noNaN: true }),
  bool: fc.boolean(),
  string: fc.string({ unit: 'binary' }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
}
const value: fc.Arbitrary<GgufValue> = fc.constantFrom(...(Object.keys(SCALARS) as GgufScalarKind[])).chain((kind) =>
  fc.oneof(
    SCALARS[kind].map((value) => ({ kind, value })),
    fc.array(SCALARS[kind], { maxLength: 5 }).map((values) => ({ kind: 'array', of: kind, values })),
  ),
) as fc.Arbitrary<GgufValue>

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
const tensor: fc.Arbitrary<GgufTensorBytes> = fc
  .record({
    name,
    type: fc.constantFrom<GgmlType>('F32', 'F16', 'BF16', 'I64', 'I8', 'Q8_0', 'Q4_0', 'Q4_K', 'Q6_K'),
    outer: fc.array(whole(1, 3), { maxLength: 3 }),
    blocks: whole(1, 2),
  })
  .chain(({ name, type, outer, blocks }) => {
    const block = ggmlBlock(type)
    const length = outer.reduce((product, size) => product * size, blocks * block.bytes)
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data) => ({ name, type, shape: [...outer, blocks * block.elements], data }))
  })
const content: fc.Arbitrary<GgufContent<GgufTensorBytes>> = fc.record({
  version: fc.constantFrom(2, 3),
  alignment: fc.constantFrom(undefined, 1, 8, 32, 64, 4096),
  metadata: fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 6 }).map((entries) => new Map(entries)),
  tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 4 }),
})

describe('GGUF', () => {
  it('gives back what was written', async () => {
    await fc.assert(
      fc.asyncProperty(content, async ({ version, alignment, metadata, tensors }) => {
        const bytes = writeGguf({ version, alignment, metadata, tensors })
        const header = await readGgufHeader(bytesSource(bytes))
        expect(header.version).toBe(version)
        expect(header.alignment).toBe(alignment ?? 32)
        const { 'general.alignment': _, ...read } = Object.fromEntries(header.metadata)
        expect(read).toEqual(Object.fromEntries(metadata))
        expect(header.tensors.map(({ begin, end, ...entry }) => ({ ...entry, data: bytes.slice(begin, end) }))).toEqual(tensors)
        expect(header.tensors.every(({ begin }) => begin % header.alignment === 0)).toBe(true)
      }),
    )
  })

  it('writes a file it has read byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (written) => {
        const bytes = writeGguf(written)
        const { tensors, ...header } = await readGgufHeader(bytesSource(bytes))
        const read = tensors.map(({ begin, end, ...entry }) => ({ ...entry, data: bytes.slice(begin, end) }))
        expect(writeGguf({ ...header, tensors: read })).toEqual(bytes)
      }),
    )
  })

  const shared = ['stories260K/stories260K-f32.gguf', 'babyllama-tok361/babyllama-tok361-f32.gguf'].map((name) =>
    resolve(import.meta.dirname, '../../../../shared/models', name),
  )
  it.skipIf(!existsSync(shared[0]!)).each(shared)('writes the header of a file of llama.cpp byte for byte: %#', async (path) => {
    const bytes = new Uint8Array(readFileSync(path))
    const header = await readGgufHeader(bytesSource(bytes))
    const start = ggufStart(header)
    expect(start).toEqual(bytes.subarray(0, start.length))
    expect(header.tensors[0]!.begin).toBe(start.length)
  })

  it('reads any damaged file or refuses it as malformed', async () => {
    const damage = fc.record({
      edits: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      cut: fc.option(fc.nat()),
      tail: fc.uint8Array({ maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(content, damage, async (written, { edits, cut, tail }) => {
        const whole = Uint8Array.of(...writeGguf(written), ...tail)
        for (const [position, value] of edits) whole[position % whole.length] = value
        const bytes = cut === null ? whole : whole.subarray(0, cut % whole.length)
        await readGgufHeader(bytesSource(bytes)).catch((error) => {
          expect(error).toBeInstanceOf(PalignError)
          expect(error.code).toBe('malformed-file')
        })
      }),
      { numRuns: 300 },
    )
  })

  it('reads a header longer than its first piece', async () => {
    const values = Array.from({ length: 60_000 }, (_, i) => `token number ${i}`)
    const metadata = new Map<string, GgufValue>([['tokenizer.ggml.tokens', { kind: 'array', of: 'string', values }]])
    const bytes = writeGguf({ metadata, tensors: [] })
    expect(bytes.length).toBeGreaterThan(1 << 20)
    expect((await readGgufHeader(bytesSource(bytes))).metadata).toEqual(metadata)
  })

  it('reads a file whose last tensor is not padded', async () => {
    const data = new Uint8Array(8)
    const bytes = writeGguf({ metadata: new Map(), tensors: [{ name: 'a', type: 'F32', shape: [2], data }] })
    const header = await readGgufHeader(bytesSource(bytes.subarray(0, bytes.length - 24)))
    expect(header.tensors[0]!.end).toBe(bytes.length - 24)
  })

  const one = { name: 'a', type: 'F32', shape: [2], data: new Uint8Array(8) } as const
  it.each<[string, Partial<GgufContent<GgufTensorBytes>>]>([
    ['data of another length', { tensors: [{ ...one, data: new Uint8Array(7) }] }],
    ['a name twice', { tensors: [one, one] }],
    ['a name of 64 bytes', { tensors: [{ ...one, name: 'é'.repeat(32) }] }],
    ['half a block', { tensors: [{ ...one, type: 'Q8_0', shape: [33], data: new Uint8Array(34) }] }],
    ['no dimension', { tensors: [{ ...one, shape: [] }] }],
    ['a size of 0', { tensors: [{ ...one, shape: [0], data: new Uint8Array(0) }] }],
    ['an odd alignment', { alignment: 33 }],
    ['an integer beyond its type', { metadata: new Map([['a', { kind: 'uint8', value: 256 }]]) }],
    ['a fraction as an integer', { metadata: new Map([['a', { kind: 'int32', value: 0.5 }]]) }],
    ['a float that is none', { metadata: new Map([['a', { kind: 'float32', value: Number.NaN }]]) }],
    ['an empty key', { metadata: new Map([['', { kind: 'bool', value: true }]]) }],
  ])('does not write %s', (_, wrong) => {
    expect(() => writeGguf({ metadata: new Map(), tensors: [one], ...wrong })).toThrow(
      expect.objectContaining({ name: 'PalignError', code: 'invalid-input' }),
    )
  })
})
