/**
 * @file Vectors as Neuronpedia takes them, one JSON object each, to be sent one by one. Its hook is the stream before a block (`hook_resid_pre`), so that a persona is approximated, and
 * said so beside them: see `residual-shift.ts`.
 */

import { describeError } from './approximation-error.ts'
import { assertMoves, assertVectorSource, type ExportFile, textFile, type VectorSource } from './export-file.ts'
import { type ResidualShift, residualShift } from './residual-shift.ts'

/** What stands before block l + 1 is what was added after block l: that of the last block comes one block too early. */
export function neuronpediaShift({ displacement, shape, outputWeights }: VectorSource): Promise<ResidualShift> {
  return residualShift({ displacement, shape, outputWeights, blockOf: (layer) => Math.min(layer, shape.layers - 2) })
}

export async function writeNeuronpedia(source: VectorSource): Promise<ExportFile[]> {
  assertVectorSource(source)
  assertMoves(source)
  const { name, persona, shape, measured } = source
  const shift = await neuronpediaShift(source)
  const vectors = Array.from({ length: shape.layers }, (_, block) => {
    const row = shift.subarray(block * shape.hiddenSize, (block + 1) * shape.hiddenSize)
    return { block, row, norm: Math.hypot(...row) }
  })
    .filter(({ norm }) => norm > 0)
    .map(({ block, row, norm }) => ({
      modelId: source.modelType,
      layerNumber: block + 1,
      hookType: 'hook_resid_pre',
      // A unit vector and its length say the same whether vectors are normed there or not.
      vector: Array.from(row, (x) => x / norm),
      vectorDefaultSteerStrength: norm,
      vectorLabel: `${name}, alpha ${persona.alpha}, layer ${block}`,
    }))
  const approximation = `biases of attention outputs, added before the next block and not inside their own; ${describeError(measured)}`
  const palign = { approximation, model: persona.model, method: persona.method, alpha: persona.alpha }
  return [textFile(`${name}.neuronpedia.json`, `${JSON.stringify({ palign, vectors }, null, 1)}\n`)]
}
