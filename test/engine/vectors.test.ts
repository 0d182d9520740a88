import { afterAll, describe, expect, it } from 'vitest'
import { approximationError } from '../../src/export/approximation-error.ts'
import { controlVectorShift } from '../../src/export/control-vector.ts'
import type { LmEvalSteering } from '../../src/export/lm-eval.ts'
import { readSvec } from '../../src/export/read-svec.ts'
import { writeVectors } from '../../src/export/vector-formats.ts'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { floatTensor, readFloats } from '../../src/formats/float-tensor.ts'
import { decodeOnnxAdapter } from '../../src/formats/onnx-adapter.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../src/formats/safetensors.ts'
import { parseLlamaConfig } from '../../src/graph/llama-config.ts'
import { requiredTensors } from '../../src/graph/weights.ts'
import type { Displacement } from '../../src/model/displacement.ts'
import { compilePersona } from '../../src/persona/persona.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'
import { FINGERPRINT, textOf, vectorSource } from '../fixtures/vector-source.ts'
import { type ModelFiles, nodeRuntime, openDecoder, openReference } from './open-model.ts'

const model = randomModel()
const runtimes: { close(): void }[] = []
afterAll(() => {
  for (const runtime of runtimes) runtime.close()
})

async function open(files: ModelFiles) {
  const runtime = nodeRuntime(files)
  runtimes.push(runtime)
  return openDecoder(files, runtime, { record: false })
}

async function tensorsOf({ files }: ModelFiles) {
  const source = bytesSource([...files.values()][0]!)
  const { tensors } = await readSafetensorsHeader(source)
  return new Map(await Promise.all(tensors.map(async (entry) => [entry.name, await readFloats(source, entry)] as const)))
}

/** A persona of six heads, one of them in the first and one in the last layer. */
async function steering() {
  const tensors = await tensorsOf(model)
  const engine = await open(model)
  const heads = [0, 1, 2].flatMap((layer) => [layer, layer + 1].map((head) => ({ layer, head })))
  const outputWeights = (layer: number) => tensors.get(`model.layers.${layer}.self_attn.o_proj.weight`)!
  const source = vectorSource({ shape: engine.shape, heads, alpha: 3, outputWeights })
  return { tensors, engine, source }
}

const PROMPT = [3, 14, 15, 92, 65, 35, 89]
async function logitsOf(decoder: Awaited<ReturnType<typeof open>>, displacement?: Displacement) {
  const { logits } = await decoder.forward({ tokens: PROMPT, displacement, logitsAt: [...PROMPT.keys()] })
  return logits
}

/** Of the largest logit. */
function difference(a: Float32Array, b: Float32Array): number {
  const most = a.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)
  return a.reduce((largest, x, i) => Math.max(largest, Math.abs(x - b[i]!)), 0) / most
}

/** Rounding of 32-bit numbers through three layers. */
const ROUNDING = 2e-5

describe('a persona carried as vectors', () => {
  it('does in lm-eval what the engine does: its vectors are biases of o_proj', async () => {
    const { tensors, engine, source } = await steering()
    const [json, vectors] = await writeVectors('lm-eval', source)
    const mapping = JSON.parse(textOf(json!)) as Record<string, LmEvalSteering>
    const file = bytesSource(vectors!.bytes)
    const { tensors: entries } = await readSafetensorsHeader(file)
    const biased = { ...configJson(), attention_bias: true }
    const stored = [...requiredTensors(parseLlamaConfig(biased))].map(async ([name, shape]) => {
      // Hook points count from the base model.
      const hook = mapping[name.replace(/^model\./, '').replace(/\.bias$/, '')]
      const entry = name.endsWith('.bias') ? entries.find((candidate) => candidate.name === hook?.steering_vector) : undefined
      const bias = entry === undefined ? undefined : await readFloats(file, entry)
      return floatTensor(name, shape, tensors.get(name) ?? bias ?? new Float32Array(shape[0]!))
    })
    const bytes = writeSafetensors({ tensors: await Promise.all(stored) })
    const baked = await open({ config: parseLlamaConfig(biased), files: new Map([['model.safetensors', bytes]]) })
    const steered = await logitsOf(engine, source.displacement)
    expect(difference(steered, await logitsOf(engine))).toBeGreaterThan(0.1)
    expect(difference(steered, await logitsOf(baked))).toBeLessThan(ROUNDING)
  })

  it('comes back from .svec to the bit of every logit', async () => {
    const { engine, source } = await steering()
    const [file] = await writeVectors('svec', source)
    const target = { shape: engine.shape, fingerprint: FINGERPRINT }
    const { displacement } = compilePersona(readSvec(textOf(file!), { model: target }), target)
    expect(await logitsOf(engine, displacement)).toEqual(await logitsOf(engine, source.displacement))
  })

  it('comes back from an .onnx_adapter as what the graph’s input is fed', async () => {
    const { engine, source } = await steering()
    const [file] = await writeVectors('onnx-adapter', source)
    const [parameter] = decodeOnnxAdapter(file!.bytes).parameters
    expect(await logitsOf(engine, parameter!.data)).toEqual(await logitsOf(engine, source.displacement))
  })

  it('is not the same as a control vector, whose error is told beside the effect of steering', async () => {
    const { engine, source } = await steering()
    const shift = await controlVectorShift(source)
    const plain = await openReference(model, { residualShift: shift })
    const unshifted = await openReference(model, { residualShift: new Float32Array(shift.length) })
    const logitsAfter = (decoder: typeof plain, displacement?: Displacement) => async (tokens: readonly number[]) =>
      (await decoder.forward({ tokens, displacement, logitsAt: [tokens.length - 1] })).logits
    const prompts = [PROMPT, PROMPT.slice(0, 3), [100]]
    const steered = logitsAfter(engine, source.displacement)
    const exact = await approximationError({
      ...{ unsteered: logitsAfter(engine), steered, prompts },
      approximated: logitsAfter(unshifted, source.displacement),
    })
    expect(exact.error.largest).toBeLessThan(1e-5)
    const measured = await approximationError({
      unsteered: logitsAfter(engine),
      steered,
      approximated: logitsAfter(plain),
      prompts,
    })
    expect(measured.error.mean).toBeGreaterThan(0.01)
  })
})
