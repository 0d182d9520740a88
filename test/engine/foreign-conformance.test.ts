import { llamaGraph } from '../../src/graph/llama.ts'
import { modelShape } from '../../src/graph/llama-config.ts'
import { locateWeights } from '../../src/graph/weights.ts'
import { genaiModel } from '../fixtures/exported-genai.ts'
import type { ExportedModel } from '../fixtures/exported-graph.ts'
import { optimumModel } from '../fixtures/exported-optimum.ts'
import type { RandomModel } from '../fixtures/random-model.ts'
import { conformance } from './conformance.ts'
import { openExported } from './open-exported.ts'
import { readHeaders } from './open-model.ts'

const opening =
  (exportModel: (model: RandomModel) => Promise<ExportedModel>, options: { readonly keepsCache?: boolean } = {}) =>
  async (model: RandomModel) =>
    openExported(model, await exportModel(model), options)

/** A graph of our own as anybody's: without steering, over the safetensors files. */
const ownGraph = (attention: 'fused' | 'decomposed') => async (model: RandomModel) => {
  const { config } = model
  const weights = locateWeights(config, await readHeaders(model))
  const graph = llamaGraph({ config, shape: modelShape(config), weights, attention, steering: false })
  return { name: 'own.onnx', files: new Map([...model.files, ['own.onnx', graph]]) }
}

conformance({ name: 'Optimum', takesAdapters: false, open: opening(optimumModel) })
// Not with a window, which sees by distance: hidden places between tokens would move it.
conformance({
  name: 'Optimum, its cache kept',
  takesAdapters: false,
  fusedOnly: true,
  open: opening(optimumModel, { keepsCache: true }),
})
conformance({ name: 'GenAI', takesAdapters: false, fusedOnly: true, open: opening(genaiModel) })
conformance({ name: 'own fused graph as a foreign', takesAdapters: false, fusedOnly: true, open: opening(ownGraph('fused')) })
conformance({ name: 'own decomposed graph as a foreign', takesAdapters: false, open: opening(ownGraph('decomposed')) })
