/**
 * @file Control vector of llama.cpp and repeng: a GGUF file with F32 tensors `direction.N` `[hidden]`, added to the residual stream after block N,
 * blocks from 0, N at least 1. An approximation, and said so in the file: see `residual-shift.ts`.
 */
import { floatTensor } from '../formats/float-tensor.ts'
import { type GgufValue, writeGguf } from '../formats/gguf.ts'
import { describeError } from './approximation-error.ts'
import { assertMoves, assertVectorSource, type ExportFile, type VectorSource } from './export-file.ts'
import { type ResidualShift, residualShift } from './residual-shift.ts'

const text = (value: string): GgufValue => ({ kind: 'string', value })

/** llama.cpp refuses files that have something for block 0: what belongs there is added after block 1. */
export function controlVectorShift({ displacement, shape, outputWeights }: VectorSource): Promise<ResidualShift> {
  return residualShift({ displacement, shape, outputWeights, blockOf: (layer) => Math.max(layer, 1) })
}

export async function writeControlVector(source: VectorSource): Promise<ExportFile[]> {
  assertVectorSource(source)
  assertMoves(source)
  const { name, persona, shape, modelType, measured } = source
  const shift = await controlVectorShift(source)
  const tensors = Array.from({ length: shape.layers }, (_, block) => {
    const row = shift.slice(block * shape.hiddenSize, (block + 1) * shape.hiddenSize)
    return { name: `direction.${block}`, type: 'F32' as const, shape: [shape.hiddenSize], row }
  })
    .filter(({ row }) => row.some((x) => x !== 0))
    .map(({ row, ...tensor }) => ({ ...tensor, data: floatTensor(tensor.name, tensor.shape, row).data }))
  const movesFirst = persona.interventions.some(({ layer }) => layer === 0)
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text('controlvector')],
    ['controlvector.model_hint', text(modelType)],
    ['controlvector.layer_count', { kind: 'uint32', value: tensors.length }],
    ['palign.model', text(persona.model)],
    ['palign.method', text(persona.method)],
    ['palign.alpha', { kind: 'float64', value: persona.alpha }],
    [
      'palign.approximation',
      text(
        `biases of attention outputs, added after their blocks and not inside${movesFirst ? '; that of block 0 added after block 1' : ''}; ${describeError(measured)}`,
      ),
    ],
  ])
  return [{ name: `${name}.control-vector.gguf`, bytes: writeGguf({ metadata, tensors }) }]
}
