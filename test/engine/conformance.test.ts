import type { AttentionKind } from '../../src/graph/attention.ts'
import type { RandomModel } from '../fixtures/random-model.ts'
import { conformance } from './conformance.ts'
import { nodeRuntime, openDecoder, openReference } from './open-model.ts'

const openOrt = (attention: AttentionKind) => async (model: RandomModel) => {
  const runtime = nodeRuntime(model, { intraOpNumThreads: 1 })
  return { decoder: await openDecoder(model, runtime, { attention }), close: runtime.close }
}

conformance({ name: 'reference', open: async (model) => ({ decoder: await openReference(model), close() {} }) })
conformance({ name: 'fused', fusedOnly: true, open: openOrt('fused') })
conformance({ name: 'decomposed', open: openOrt('decomposed') })
