import { describe, expect, it } from 'vitest'
import { readVectors } from '../../../src/export/read-vectors.ts'
import { REFUSED_FORMATS, VECTOR_FORMATS, type VectorFormat, writeVectors } from '../../../src/export/vector-formats.ts'
import { writeGguf } from '../../../src/formats/gguf.ts'
import { bytesOf, OTHER_FORMATS } from '../../fixtures/hostile-tensors.ts'
import { expectRefusal } from '../../fixtures/refusal.ts'
import { FINGERPRINT, SMALL_SHAPE, textOf, vectorSource } from '../../fixtures/vector-source.ts'

const model = { shape: SMALL_SHAPE, fingerprint: FINGERPRINT }
const formats = Object.entries(VECTOR_FORMATS) as [string, VectorFormat][]

describe('writeVectors', () => {
  it.each(formats)('writes %s under the persona’s name', async (name, { extension }) => {
    const files = await writeVectors(name, vectorSource())
    expect(files[0]!.name).toBe(`ada${extension}`)
    expect(files.every(({ bytes }) => bytes.length > 0)).toBe(true)
  })

  it.each(formats)('writes %s again to the byte', async (name) => {
    expect(await writeVectors(name, vectorSource())).toEqual(await writeVectors(name, vectorSource()))
  })

  it.each(formats)('refuses to write %s of a displacement that is not the persona’s', async (name) => {
    const source = vectorSource()
    const other = { ...source, displacement: source.displacement.map((x) => 2 * x) }
    await expect(writeVectors(name, other)).rejects.toThrow('displacement is not that of the persona')
  })

  it('writes the prompt of a persona beside its vectors', async () => {
    const { persona, ...rest } = vectorSource()
    const files = await writeVectors('svec', {
      ...rest,
      persona: { ...persona, kind: 'prompt+steering', system: 'You are Ada.' },
    })
    expect(files.map(({ name }) => name)).toEqual(['ada.svec', 'ada.system.txt'])
    expect(textOf(files[1]!)).toBe('You are Ada.')
  })

  it('can be measured where it is approximate, and only there', () => {
    for (const [, { carries, stands }] of formats) expect(stands !== undefined).toBe(carries === 'approximate')
  })

  it.each(Object.entries(REFUSED_FORMATS))('refuses %s with the reason', async (name, reason) => {
    await expect(writeVectors(name, vectorSource())).rejects.toThrow(`vector format ${name} is not written: ${reason}`)
  })

  it('refuses a name that no format has', async () => {
    for (const name of ['constructor', 'toString', 'SVEC', '']) {
      await expect(writeVectors(name, vectorSource())).rejects.toThrow(`vector format ${name} is unknown`)
    }
  })
})

describe('readVectors', () => {
  it('reads .svec', async () => {
    const [file] = await writeVectors('svec', vectorSource())
    expect((await readVectors(file!.bytes, { model })).alpha).toBe(-2.5)
  })

  it.each(['controlvector', 'steeringvector'])(
    'refuses a GGUF of architecture %s, since it moves another site',
    async (value) => {
      const bytes = writeGguf({
        metadata: new Map([['general.architecture', { kind: 'string', value }]]),
        tensors: [{ name: 'direction.1', type: 'F32', shape: [2], data: new Uint8Array(8) }],
      })
      await expect(readVectors(bytes, { model })).rejects.toMatchObject({
        code: 'incompatible-persona',
        message: expect.stringContaining('control vector moves the residual stream'),
      })
    },
  )

  it('refuses a control vector of its own', async () => {
    const [file] = await writeVectors('control-vector', vectorSource())
    await expect(readVectors(file!.bytes, { model })).rejects.toMatchObject({ code: 'incompatible-persona' })
  })

  it('refuses a model in GGUF', async () => {
    const bytes = writeGguf({ metadata: new Map([['general.architecture', { kind: 'string', value: 'llama' }]]), tensors: [] })
    await expect(readVectors(bytes, { model })).rejects.toThrow('gguf file is of architecture llama')
  })

  it('refuses pickles and all else, at once', async () => {
    for (const [name, content] of Object.entries(OTHER_FORMATS)) {
      await expectRefusal(name, () => readVectors(bytesOf(content), { model, alpha: 1 }))
    }
    await expectRefusal('bytes that are no text', () => readVectors(Uint8Array.of(0x7b, 0xff, 0x7d), { model, alpha: 1 }))
  })
})
