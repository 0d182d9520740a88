import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeOnnxAdapter, encodeOnnxAdapter, type OnnxAdapter } from '../../../src/formats/onnx-adapter.ts'
import { bytesOf, OTHER_FORMATS } from '../../fixtures/hostile-tensors.ts'
import { expectRefusal } from '../../fixtures/refusal.ts'

const size = fc.integer({ min: 0, max: 3 })
const parameter = fc.tuple(fc.string({ maxLength: 9 }), fc.array(size, { maxLength: 4 })).chain(([name, dims]) => {
  const length = dims.reduce((product, count) => product * count, 1)
  return fc
    .array(fc.float({ noNaN: true }), { minLength: length, maxLength: length })
    .map((numbers) => ({ name, dims, data: Float32Array.from(numbers) }))
})
const version = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const adapter: fc.Arbitrary<OnnxAdapter> = fc.record({
  adapterVersion: version,
  modelVersion: version,
  parameters: fc.array(parameter, { maxLength: 4 }),
})

const good: OnnxAdapter = {
  adapterVersion: 1,
  modelVersion: 2,
  parameters: [
    { name: 'displacement', dims: [1, 2, 3], data: Float32Array.of(1, -2, 3, 4, 5, 6.5) },
    { name: 'other', dims: [1], data: Float32Array.of(7) },
  ],
}

describe('an .onnx_adapter', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(adapter, (content) => {
        expect(decodeOnnxAdapter(encodeOnnxAdapter(content))).toEqual(content)
      }),
    )
  })

  it('has its identifier at byte 4 and the numbers of each tensor at a multiple of 8', () => {
    const bytes = encodeOnnxAdapter(good)
    expect(String.fromCharCode(...bytes.subarray(4, 8))).toBe('TORT')
    const first = new Uint8Array(good.parameters[0]!.data.buffer)
    const at = Buffer.from(bytes).indexOf(first)
    expect(at % 8).toBe(0)
    expect(new DataView(bytes.buffer).getUint32(at - 4, true)).toBe(first.length)
  })

  it('is refused where sizes and numbers do not belong together', () => {
    const wrong = { ...good, parameters: [{ name: 'a', dims: [2, 2], data: new Float32Array(3) }] }
    expect(() => encodeOnnxAdapter(wrong)).toThrow('adapter tensor a has 3 numbers, expected 4 for [2,2]')
  })

  it('is refused by a rule, at once, wherever it is cut', async () => {
    const bytes = encodeOnnxAdapter(good)
    for (let length = 0; length < bytes.length - 8; length++) {
      const cut = bytes.slice(0, length)
      // What lies last is read last: padding and a name may be cut without harm to what remains.
      const read = () => decodeOnnxAdapter(cut)
      let whole: OnnxAdapter | undefined
      try {
        whole = read()
      } catch {
        await expectRefusal(`cut to ${length}`, async () => read())
        continue
      }
      expect(whole).toEqual(good)
    }
  })

  it('is refused or read, never anything else, whatever a byte is changed to', () => {
    const bytes = encodeOnnxAdapter(good)
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 4, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice()
        changed[at] = value
        try {
          const { parameters } = decodeOnnxAdapter(changed)
          expect(parameters.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThan(bytes.length)
        } catch (error) {
          expect([at, value, error]).toEqual([at, value, expect.objectContaining({ code: 'malformed-file' })])
        }
      }
    }
  })

  it('is no other format', async () => {
    for (const [name, content] of Object.entries(OTHER_FORMATS)) {
      await expectRefusal(name, async () => decodeOnnxAdapter(bytesOf(content)))
    }
  })
})
