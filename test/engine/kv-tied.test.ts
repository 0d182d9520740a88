import { afterAll, describe, expect, it } from 'vitest'
import { alignPas, preparePas } from '../../src/align/pas.ts'
import { PAS_KV_TIED } from '../../src/align/pas-recipe.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { floatTensor } from '../../src/formats/float-tensor.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { parseLlamaConfig } from '../../src/graph/llama-config.ts'
import { requiredTensors } from '../../src/graph/weights.ts'
import { IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import { splitItems } from '../../src/items/item-split.ts'
import { gaussian, seededRandom } from '../../src/math/random.ts'
import { type Displacement, headSlice, zeroDisplacement } from '../../src/model/displacement.ts'
import { projectKvTied } from '../../src/persona/kv-tied.ts'
import { compilePersona } from '../../src/persona/persona.ts'
import { extreme, itemToken, plantedConfig, plantedLanguageModel, plantedWeights } from '../fixtures/planted-model.ts'
import { configJson } from '../fixtures/random-model.ts'
import { type ModelFiles, nodeRuntime, openDecoder } from './open-model.ts'

type Tensors = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>

const runtimes: { close(): void }[] = []
afterAll(() => {
  for (const runtime of runtimes) runtime.close()
})

async function open(files: ModelFiles) {
  const runtime = nodeRuntime(files)
  runtimes.push(runtime)
  return openDecoder(files, runtime)
}

function filesOf(json: Record<string, unknown>, tensors: Tensors): ModelFiles {
  const stored = [...tensors].map(([name, { shape, data }]) => floatTensor(name, shape, data))
  return { config: parseLlamaConfig(json), files: new Map([['model.safetensors', writeSafetensors({ tensors: stored })]]) }
}

/** The same model with biases of attention: zero, but for those of v_proj, `[layers, kvHeads * headDim]`. */
function withValueBias(json: Record<string, unknown>, tensors: Tensors, groups: Float32Array): ModelFiles {
  const biased = { ...json, attention_bias: true }
  const config = parseLlamaConfig(biased)
  const all = new Map(tensors)
  for (const [name, shape] of requiredTensors(config)) {
    if (all.has(name)) continue
    const layer = Number(/layers\.(\d+)/.exec(name)?.[1])
    const width = config.kvHeads * config.headDim
    const data = name.includes('v_proj') ? groups.slice(layer * width, (layer + 1) * width) : new Float32Array(shape[0]!)
    all.set(name, { shape, data })
  }
  return filesOf(biased, all)
}

function randomTensors(json: Record<string, unknown>): Tensors {
  const random = seededRandom(4)
  return new Map(
    [...requiredTensors(parseLlamaConfig(json))].map(([name, shape]) => {
      const size = shape.reduce((product, count) => product * count, 1)
      const [center, deviation] = name.endsWith('norm.weight') ? [1, 0.1] : [0, 1 / Math.sqrt(shape[1] ?? 1)]
      return [name, { shape, data: Float32Array.from({ length: size }, () => center + deviation * gaussian(random)) }]
    }),
  )
}

/** Largest difference of logits after each prompt, over the largest logit. */
async function difference(
  a: Awaited<ReturnType<typeof open>>,
  b: Awaited<ReturnType<typeof open>>,
  prompts: readonly (readonly number[])[],
  displacement: Displacement,
): Promise<number> {
  let most = 0
  for (const tokens of prompts) {
    const logitsAt = [...tokens.keys()]
    const steered = await a.forward({ tokens, displacement, logitsAt })
    const baked = await b.forward({ tokens, logitsAt })
    const scale = steered.logits.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)
    steered.logits.forEach((x, i) => {
      most = Math.max(most, Math.abs(x - baked.logits[i]!) / scale)
    })
  }
  return most
}

/** Rounding of 32-bit numbers through a few layers; an untied displacement differs by more than a hundredth. */
const ROUNDING = 2e-5

describe('bias of v_proj', () => {
  const json = configJson()
  const tensors = randomTensors(json)
  const prompts = [
    [3, 1, 4, 1, 5],
    [92, 65, 35, 8, 97, 9, 3],
  ]

  it('gives the logits of the tied displacement, at every position', async () => {
    const base = await open(filesOf(json, tensors))
    const { shape } = base
    const random = seededRandom(9)
    const displacement = zeroDisplacement(shape)
    for (let layer = 0; layer < shape.layers; layer++) {
      for (let group = 0; group < shape.kvHeads; group++) {
        const c = Float32Array.from({ length: shape.headDim }, () => gaussian(random))
        for (const head of [2 * group, 2 * group + 1]) headSlice(displacement, shape, { layer, head }).set(c)
      }
    }
    const { groups } = await projectKvTied(displacement, shape, (layer) => outputOf(tensors, layer))
    expect(groups).toHaveLength(shape.layers * shape.kvHeads * shape.headDim)
    const baked = await open(withValueBias(json, tensors, groups))
    expect(await difference(base, baked, prompts, zeroDisplacement(shape))).toBeGreaterThan(0.1)
    expect(await difference(base, baked, prompts, displacement)).toBeLessThan(ROUNDING)
  })

  it('does not give those of a displacement that is not tied, and gives those of its projection', async () => {
    const base = await open(filesOf(json, tensors))
    const random = seededRandom(10)
    const displacement = zeroDisplacement(base.shape).map(() => gaussian(random))
    const {
      groups,
      displacement: projected,
      residual,
    } = await projectKvTied(displacement, base.shape, (layer) => outputOf(tensors, layer))
    const baked = await open(withValueBias(json, tensors, groups))
    expect(residual).toBeGreaterThan(0.1)
    expect(await difference(base, baked, prompts, displacement)).toBeGreaterThan(0.01)
    expect(await difference(base, baked, prompts, projected)).toBeLessThan(ROUNDING)
  })

  it('carries a persona of pas:kv-tied of the planted model', async () => {
    const planted = plantedWeights()
    const base = await open(filesOf(plantedConfig, planted))
    const model = plantedLanguageModel(tokenModel(base))
    const prepared = await preparePas(model, IPIP_NEO_300, splitItems().known, { recipe: PAS_KV_TIED })
    const { displacement } = compilePersona(await alignPas(prepared, extreme('high'), { seed: 1 }), model)
    const { groups, residual } = await projectKvTied(displacement!, base.shape, (layer) => outputOf(planted, layer))
    expect(residual).toBe(0)
    const baked = await open(withValueBias(plantedConfig, planted, groups))
    const items = [1, 2, 3, 150, 300].map((item) => [itemToken(item)])
    expect(await difference(base, baked, items, zeroDisplacement(base.shape))).toBeGreaterThan(0.1)
    expect(await difference(base, baked, items, displacement!)).toBeLessThan(ROUNDING)
  })
})

function outputOf(tensors: Tensors, layer: number): Float32Array {
  return tensors.get(`model.layers.${layer}.self_attn.o_proj.weight`)!.data
}
