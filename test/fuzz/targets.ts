/** @file The readers of formats, each with small whole files. */
import { bytesSource } from '../../src/formats/byte-source.ts'
import { floatTensor } from '../../src/formats/float-tensor.ts'
import { type GgufValue, ggufPadding, readGgufHeader, writeGguf } from '../../src/formats/gguf.ts'
import { decodeOnnxAdapter, encodeOnnxAdapter } from '../../src/formats/onnx-adapter.ts'
import { collectPieces, editOnnxModel } from '../../src/formats/onnx-edit.ts'
import { readOnnxModel } from '../../src/formats/onnx-reader.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../src/formats/safetensors.ts'
import { graphBuilder, int, ints } from '../../src/graph/graph-builder.ts'
import { goodOnnx } from '../fixtures/hostile-onnx.ts'
import type { FuzzTarget } from './fuzz.ts'

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => i / 4)

function safetensors(): FuzzTarget {
  const tensors = [floatTensor('model.a.weight', [2, 3], numbers(6)), floatTensor('b', [4], numbers(4), 'BF16')]
  return {
    files: [writeSafetensors({ tensors, metadata: { format: 'pt' } }), writeSafetensors({ tensors: [] })],
    async read(bytes) {
      await readSafetensorsHeader(bytesSource(bytes))
      // The same header may be spelled with other white space.
      return undefined
    },
  }
}

function gguf(): FuzzTarget {
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', { kind: 'string', value: 'llama' }],
    ['a.flag', { kind: 'bool', value: true }],
    ['a.count', { kind: 'uint64', value: 12n }],
    ['a.small', { kind: 'int8', value: -3 }],
    ['a.number', { kind: 'float32', value: 0.5 }],
    ['a.words', { kind: 'array', of: 'string', values: ['x', 'yz', ''] }],
    ['a.kinds', { kind: 'array', of: 'int32', values: [1, 2, 3] }],
  ] as [string, GgufValue][])
  const block = Uint8Array.from({ length: 18 * 2 }, (_, i) => i)
  const floats = new Uint8Array(numbers(4).buffer)
  const tensors = [
    { name: 'blk.0.attn_q.weight', type: 'Q4_0', shape: [2, 32], data: block },
    { name: 'output_norm.weight', type: 'F32', shape: [4], data: floats },
  ] as const
  return {
    files: [2, 3].map((version) => writeGguf({ version: version as 2 | 3, metadata, tensors })),
    async read(bytes) {
      const source = bytesSource(bytes)
      const { version, metadata: found, tensors: entries, alignment } = await readGgufHeader(source)
      const data = entries.map(({ name, type, shape, begin, end }) => ({ name, type, shape, data: bytes.slice(begin, end) }))
      const again = writeGguf({ version, metadata: found, tensors: data })
      // Zeros behind the last tensor may be missing in a file, and what fills gaps is not kept.
      const end = entries.at(-1)?.end ?? bytes.length
      const isPadded = bytes.length - end === ggufPadding(end, alignment).length
      return isPadded && hasZeroGaps(bytes, entries) ? again : undefined
    },
  }
}

function hasZeroGaps(bytes: Uint8Array, entries: readonly { readonly begin: number; readonly end: number }[]): boolean {
  return entries.every(({ end }, i) => bytes.subarray(end, entries[i + 1]?.begin ?? bytes.length).every((byte) => byte === 0))
}

function onnxAdapter(): FuzzTarget {
  const parameters = [{ name: 'displacement', dims: [1, 2, 3], data: numbers(6) }]
  return {
    files: [encodeOnnxAdapter({ adapterVersion: 1, modelVersion: 1, parameters })],
    async read(bytes) {
      decodeOnnxAdapter(bytes)
      return undefined
    },
  }
}

function onnx(): FuzzTarget {
  return {
    files: [goodOnnx(), smallModel()],
    async read(bytes) {
      const source = bytesSource(bytes)
      const model = await readOnnxModel(source)
      return collectPieces(source, await editOnnxModel(source, model))
    },
  }
}

/** A graph as ours are, with constants and attributes of every kind. */
function smallModel(): Uint8Array {
  const builder = graphBuilder()
  const x = builder.input('x', 'float32', ['rows', 4])
  const gain = builder.floats('gain', [4], numbers(4))
  const normed = builder.node('SimplifiedLayerNormalization', {
    inputs: [x, gain],
    attributes: { axis: int(-1), epsilon: { kind: 'float', value: 1e-5 } },
  })
  builder.node('Transpose', { inputs: [normed], outputs: ['y'], attributes: { perm: ints(1, 0) } })
  builder.output('y', 'float32', [4, 'rows'])
  return builder.bytes()
}

export const FUZZ_TARGETS: Readonly<Record<string, () => FuzzTarget>> = {
  safetensors,
  gguf,
  onnx,
  'onnx-adapter': onnxAdapter,
}
