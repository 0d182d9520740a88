import { describe, expect, it } from 'vitest'
import { readSvec } from '../../../src/export/read-svec.ts'
import { type VectorFormatName, writeVectors } from '../../../src/export/vector-formats.ts'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readGgufHeader } from '../../../src/formats/gguf.ts'
import { decodeOnnxAdapter } from '../../../src/formats/onnx-adapter.ts'
import { FINGERPRINT, SMALL_SHAPE, textOf, vectorSource } from '../../fixtures/vector-source.ts'

const SITE = { layer: 2, head: 3 } as const
/** Reads head 3 of every layer into the first four numbers of the stream, and nothing else: where they stand tells the head. */
const outputWeights = () => {
  const weights = new Float32Array(10 * 24)
  for (let i = 0; i < 4; i++) weights[i * 24 + SITE.head * 4 + i] = 1
  return weights
}
const source = vectorSource({ heads: [SITE], outputWeights })
const [planted] = source.persona.interventions
const rows = Array.from(planted!.direction, (x) => Math.fround(source.persona.alpha * planted!.sigma * x))
const write = async (format: VectorFormatName) => writeVectors(format, source)

describe('a direction at layer 2, head 3, both from 0, is', () => {
  it('in .svec row 3 of layer "2"', async () => {
    const [file] = await write('svec')
    const { directions } = JSON.parse(textOf(file!)) as { directions: Record<string, number[][]> }
    expect(Object.keys(directions)).toEqual(['2'])
    expect(directions['2']!.flatMap((row, head) => (row.some((x) => x !== 0) ? [head] : []))).toEqual([3])
  })

  it('read from .svec at the same layer and head', async () => {
    const [file] = await write('svec')
    const { interventions } = readSvec(textOf(file!), { model: { shape: SMALL_SHAPE, fingerprint: FINGERPRINT } })
    expect(interventions).toEqual([planted])
  })

  it('for lm-eval at the output of layers.2.self_attn.o_proj', async () => {
    const [file] = await write('lm-eval')
    expect(Object.keys(JSON.parse(textOf(file!)) as object)).toEqual(['layers.2.self_attn.o_proj'])
  })

  it('in an .onnx_adapter at [0, 2, 12..15]', async () => {
    const [file] = await write('onnx-adapter')
    const { data } = decodeOnnxAdapter(file!.bytes).parameters[0]!
    expect(Array.from(data.subarray(2 * 24 + 12, 2 * 24 + 16))).toEqual(rows)
    expect(data.filter((x) => x !== 0)).toHaveLength(4)
  })

  it('in a control vector direction.2, after 0-based block 2', async () => {
    const [file] = await write('control-vector')
    const { tensors } = await readGgufHeader(bytesSource(file!.bytes))
    expect(tensors.map(({ name }) => name)).toEqual(['direction.2'])
    const { begin, end } = tensors[0]!
    expect(Array.from(new Float32Array(file!.bytes.slice(begin, end).buffer))).toEqual([...rows, 0, 0, 0, 0, 0, 0])
  })
})
