import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decoder } from '../../src/engine/decoder.ts'
import { openEngine } from '../../src/engine/open-engine.ts'
import { tokenModel } from '../../src/engine/token-model.ts'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { floatTensor, readFloats } from '../../src/formats/float-tensor.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../src/formats/safetensors.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import { type ModelFiles, nodeRuntime, openDecoder, openReference, readHeaders, readModelFolder } from './open-model.ts'

const shared = new URL('../../../shared/models/', import.meta.url).pathname
/** Published numbers have four decimals, computed in doubles. */
const TOLERANCE = 1e-3

const STORY = {
  folder: `${shared}stories260K/hf`,
  tokens: [1, 403, 407, 261, 378],
  logits: { 432: 17.7994, 383: 14.2813, 322: 9.7097 },
  logSumExp: 17.8311,
  biased: { 432: 17.4437, 383: 14.3891, 322: 10.0838 },
  greedy: [
    432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337, 410, 408, 419, 292, 411, 322, 265, 282,
  ],
}
const BABY_FOLDER = `${shared}babyllama-tok361/hf`

describe.skipIf(!existsSync(STORY.folder))('stories260K (needs ../shared/models)', () => {
  const files = () => readModelFolder(STORY.folder)
  let reference: TokenModel
  let model: TokenModel
  let close = () => {}
  beforeAll(async () => {
    const runtime = nodeRuntime(files())
    close = runtime.close
    reference = tokenModel(await openReference(files()))
    model = await openEngine({ config: files().config, files: await readHeaders(files()), runtime })
  })
  afterAll(async () => {
    await model.dispose()
    close()
  })

  it.each(['reference', 'engine'])('gives the published logits in the %s', async (which) => {
    const logits = await (which === 'engine' ? model : reference).logits({ tokens: STORY.tokens })
    expectLogits(logits, STORY.logits)
    expect(Math.abs(Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - STORY.logSumExp)).toBeLessThan(TOLERANCE)
  })

  it('generates the published greedy tokens', async () => {
    const generated: number[] = []
    for await (const { token } of model.generateTokens({ tokens: STORY.tokens, maxTokens: 24 })) generated.push(token)
    expect(generated).toEqual(STORY.greedy)
  })

  it.each(['reference', 'engine'] as const)('gives the published logits with a bias after o_proj, in the %s', async (which) => {
    const biased = await addOutputBias(files())
    const runtime = nodeRuntime(biased)
    const decoder = which === 'engine' ? await openDecoder(biased, runtime) : await openReference(biased)
    const biasedModel = tokenModel(decoder)
    expectLogits(await biasedModel.logits({ tokens: STORY.tokens }), STORY.biased)
    await biasedModel.dispose()
    runtime.close()
  })

  it('gives the same logits for a displacement as for its bias after o_proj', async () => {
    const displacement = new Float32Array(5 * 64).map((_, i) => Math.sin(i))
    const biased = await addOutputBias(files(), displacement)
    const expected = tokenModel(await openReference(biased))
    const logits = await model.logits({ tokens: STORY.tokens, displacement })
    const expectedLogits = await expected.logits({ tokens: STORY.tokens })
    expect(Math.max(...logits.map((logit, i) => Math.abs(logit - expectedLogits[i]!)))).toBeLessThan(2e-4)
  })
})

describe.skipIf(!existsSync(BABY_FOLDER))('babyllama-tok361 (needs ../shared/models)', () => {
  // "Once upon a time": 18 tokens, of which the manifest lists the first six; the others follow from the tokenizer's vocabulary.
  const tokens = () => {
    const { vocab } = JSON.parse(readFileSync(`${BABY_FOLDER}/tokenizer.json`, 'utf8')).model as { vocab: Record<string, number> }
    return [1, ...Array.from(' Once upon a time', (character) => vocab[character.replace(' ', '\u2581')]!)]
  }
  let decoder: Decoder
  let close = () => {}
  beforeAll(async () => {
    const files = readModelFolder(BABY_FOLDER)
    const runtime = nodeRuntime(files)
    close = runtime.close
    decoder = await openDecoder(files, runtime, { attention: 'fused' })
  })
  afterAll(async () => {
    await decoder.dispose()
    close()
  })

  it('gives the published logits through fused attention', async () => {
    expectLogits(await tokenModel(decoder).logits({ tokens: tokens() }), { 281: 11.5942, 259: 8.0165, 275: 3.8605 })
  })

  it('gives the published change of the logits with a bias after o_proj', async () => {
    const biased = await addOutputBias(readModelFolder(BABY_FOLDER))
    const runtime = nodeRuntime(biased)
    const opened = await openDecoder(biased, runtime)
    const [base, changed] = [
      await tokenModel(decoder).logits({ tokens: tokens() }),
      await tokenModel(opened).logits({ tokens: tokens() }),
    ]
    expect(Math.abs(changed[259]! - 5.4577)).toBeLessThan(TOLERANCE)
    expect(Math.abs(Math.max(...changed.map((logit, i) => Math.abs(logit - base[i]!))) - 10.5011)).toBeLessThan(TOLERANCE)
    await opened.dispose()
    runtime.close()
  })
})

function expectLogits(logits: Float32Array, expected: Readonly<Record<number, number>>): void {
  for (const [token, logit] of Object.entries(expected)) expect(Math.abs(logits[Number(token)]! - logit)).toBeLessThan(TOLERANCE)
}

/**
 * The same model with attention biases: zero but for o_proj, which gets either .1 everywhere in layer 2 (the published
 * case) or W_o times the displacement in every layer.
 */
async function addOutputBias({ config, files }: ModelFiles, displacement?: Float32Array): Promise<ModelFiles> {
  const source = bytesSource(files.get('model.safetensors')!)
  const { tensors } = await readSafetensorsHeader(source)
  const { heads, kvHeads, headDim, hiddenSize, layers } = config
  const width = heads * headDim
  const stored = await Promise.all(
    tensors.map(async (entry) => floatTensor(entry.name, entry.shape, await readFloats(source, entry))),
  )
  const biases = []
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}.self_attn`
    const matrix = await readFloats(source, tensors.find(({ name }) => name === `${prefix}.o_proj.weight`)!)
    const output = new Float32Array(hiddenSize).map((_, row) => {
      if (displacement === undefined) return layer === 2 ? 0.1 : 0
      const shift = displacement.subarray(layer * width, (layer + 1) * width)
      return shift.reduce((sum, value, column) => sum + matrix[row * width + column]! * value, 0)
    })
    biases.push(
      floatTensor(`${prefix}.q_proj.bias`, [width], new Float32Array(width)),
      floatTensor(`${prefix}.k_proj.bias`, [kvHeads * headDim], new Float32Array(kvHeads * headDim)),
      floatTensor(`${prefix}.v_proj.bias`, [kvHeads * headDim], new Float32Array(kvHeads * headDim)),
      floatTensor(`${prefix}.o_proj.bias`, [hiddenSize], output),
    )
  }
  return {
    config: { ...config, inputBias: true, outputBias: true },
    files: new Map([['model.safetensors', writeSafetensors({ tensors: [...stored, ...biases] })]]),
  }
}
