import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PalignError } from '../../../src/errors.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { floatTensor, readFloats } from '../../../src/formats/float-tensor.ts'
import {
  type Dtype,
  elementBytes,
  readSafetensorsHeader,
  type TensorBytes,
  writeSafetensors,
} from '../../../src/formats/safetensors.ts'

const tensor: fc.Arbitrary<TensorBytes> = fc
  .record({
    name: fc.string({ minLength: 1 }).filter((name) => !['__metadata__', '__proto__', 'constructor', 'prototype'].includes(name)),
    dtype: fc.constantFrom<Dtype>('F32', 'F16', 'BF16', 'I64', 'U8', 'BOOL'),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  })
  .chain(({ name, dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, elementBytes(dtype))
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ name, dtype, shape, data }))
  })
const file = fc.record({
  tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 5 }),
  metadata: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()),
})

describe('safetensors', () => {
  it('gives back what was written', async () => {
    await fc.assert(
      fc.asyncProperty(file, async ({ tensors, metadata }) => {
        const bytes = writeSafetensors({ tensors, metadata })
        const header = await readSafetensorsHeader(bytesSource(bytes))
        expect(header.metadata).toEqual({ ...metadata })
        const read = header.tensors.map(({ begin, end, ...entry }) => ({ ...entry, data: bytes.slice(begin, end) }))
        expect(read).toHaveLength(tensors.length)
        expect(read).toEqual(expect.arrayContaining([...tensors]))
      }),
    )
  })

  it('writes a file it has read byte for byte', async () => {
    const bytes = writeSafetensors({
      tensors: [floatTensor('b', [2], Float32Array.of(1, 2)), floatTensor('a', [1, 1], Float32Array.of(3), 'F16')],
      metadata: { format: 'pt', about: 'é' },
    })
    const { tensors, metadata } = await readSafetensorsHeader(bytesSource(bytes))
    const read = tensors.map(({ begin, end, ...entry }) => ({ ...entry, data: bytes.slice(begin, end) }))
    expect(writeSafetensors({ tensors: read, metadata })).toEqual(bytes)
  })

  it('begins the data at a multiple of 8', async () => {
    const bytes = writeSafetensors({ tensors: [floatTensor('name', [1], Float32Array.of(1))] })
    const { tensors } = await readSafetensorsHeader(bytesSource(bytes))
    expect(tensors[0]!.begin % 8).toBe(0)
  })

  it('reads any damaged file or refuses it as malformed', async () => {
    const damage = fc.record({
      edits: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      cut: fc.option(fc.nat()),
      tail: fc.uint8Array({ maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(file, damage, async (content, { edits, cut, tail }) => {
        const whole = Uint8Array.of(...writeSafetensors(content), ...tail)
        for (const [position, value] of edits) whole[position % whole.length] = value
        const bytes = cut === null ? whole : whole.subarray(0, cut % whole.length)
        await readSafetensorsHeader(bytesSource(bytes)).catch((error) => {
          expect(error).toBeInstanceOf(PalignError)
          expect(error.code).toBe('malformed-file')
        })
      }),
      { numRuns: 500 },
    )
  })

  const entry = (fields: object) => ({ dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields })
  it.each([
    ['an empty file', new Uint8Array(), 'too short'],
    ['a header longer than the file', withLength(1000n), 'more than the file has left'],
    ['a header of 2^64 - 1 bytes', withLength(2n ** 64n - 1n), 'not between 2 and'],
    ['a header that is not an object', withHeader('[1]', 0), 'does not start with {'],
    ['a header that is not UTF-8', withHeader(Uint8Array.of(0x7b, 0xff, 0x7d), 0), 'not valid UTF-8'],
    [
      'duplicate tensor names',
      withHeader(`{"a":${JSON.stringify(entry({}))},"a":${JSON.stringify(entry({}))}}`, 4),
      'duplicate key',
    ],
    ['an unknown dtype', withHeader({ a: entry({ dtype: 'F12' }) }, 4), 'unknown dtype'],
    ['a dtype named like a property of objects', withHeader({ a: entry({ dtype: 'toString' }) }, 4), 'unknown dtype'],
    ['negative sizes', withHeader({ a: entry({ shape: [-1] }) }, 4), 'shape'],
    ['fractional sizes', withHeader({ a: entry({ shape: [1.5] }) }, 4), 'shape'],
    ['a rank above 8', withHeader({ a: entry({ shape: Array(9).fill(1) }) }, 4), 'shape'],
    ['sizes whose product overflows', withHeader({ a: entry({ shape: Array(8).fill(2 ** 32) }) }, 4), 'by dtype and shape'],
    ['offsets that do not fit the shape', withHeader({ a: entry({ data_offsets: [0, 8] }) }, 8), 'by dtype and shape'],
    ['offsets beyond the file', withHeader({ a: entry({}) }, 3), 'the file at'],
    ['bytes after the last tensor', withHeader({ a: entry({}) }, 5), 'the file at'],
    ['a gap', withHeader({ a: entry({ data_offsets: [4, 8] }) }, 8), 'a gap or an overlap'],
    ['overlapping tensors', withHeader({ a: entry({}), b: entry({}) }, 4), 'a gap or an overlap'],
    ['fields it does not know', withHeader({ a: entry({ scale: 2 }) }, 4), 'fields other than'],
    ['metadata that is not text', withHeader({ __metadata__: { a: 1 } }, 0), 'other than text'],
  ])('refuses %s', async (_, bytes, rule) => {
    await expect(readSafetensorsHeader(bytesSource(bytes))).rejects.toThrow(rule)
  })

  it('refuses a header above 25 MB before it reads it', async () => {
    const length = withLength(25_000_001n)
    const reads: number[] = []
    const slice = async (start: number, end: number) => {
      reads.push(end - start)
      return length.subarray(start, end)
    }
    await expect(readSafetensorsHeader({ byteLength: 2 ** 40, slice })).rejects.toThrow('25000000')
    expect(reads).toEqual([8])
  })

  it('refuses to write a tensor whose bytes do not fit its shape, and a name twice', () => {
    const good = floatTensor('a', [1], Float32Array.of(1))
    expect(() => writeSafetensors({ tensors: [{ ...good, shape: [2] }] })).toThrow('expected 8')
    expect(() => writeSafetensors({ tensors: [good, good] })).toThrow('is taken')
  })
})

describe('readFloats', () => {
  it.each(['F32', 'F16', 'BF16'] as const)('reads %s at an odd offset of a Buffer', async (dtype) => {
    const { data } = floatTensor('a', [3], Float32Array.of(1, -0.5, 3), dtype)
    const source = bytesSource(Buffer.concat([Buffer.from([9]), data, Buffer.from([9])]))
    const entry = { name: 'a', dtype, shape: [3], begin: 1, end: 1 + data.byteLength }
    expect(await readFloats(source, entry)).toEqual(Float32Array.of(1, -0.5, 3))
  })

  it('refuses integers', async () => {
    const entry = { name: 'a', dtype: 'I64', shape: [1], begin: 0, end: 8 } as const
    await expect(readFloats(bytesSource(new Uint8Array(8)), entry)).rejects.toThrow('dtype I64')
  })
})

function withLength(length: bigint): Uint8Array {
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(0, length, true)
  return bytes
}

function withHeader(header: string | Uint8Array | object, dataBytes: number): Uint8Array {
  const text = typeof header === 'string' || header instanceof Uint8Array ? header : JSON.stringify(header)
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return Uint8Array.of(...withLength(BigInt(bytes.length)).subarray(0, 8), ...bytes, ...new Uint8Array(dataBytes))
}
