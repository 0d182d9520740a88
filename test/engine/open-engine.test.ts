import * as ort from 'onnxruntime-node'
import { describe, expect, it, vi } from 'vitest'
import { openEngine, type Runtime } from '../../src/engine/open-engine.ts'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { readSafetensorsHeader } from '../../src/formats/safetensors.ts'
import { chooseAttention } from '../../src/graph/attention.ts'
import { modelShape } from '../../src/graph/llama-config.ts'
import { configJson, randomModel } from '../fixtures/random-model.ts'
import { distance, randomDisplacement } from './conformance.ts'
import { nodeRuntime, openDecoder, openReference, readHeaders } from './open-model.ts'

const random = randomModel()
const tokens = [1, 2, 3, 4]

describe('openEngine', () => {
  it('opens a steerable model, and the recording session only when z is asked for', async () => {
    const runtime = nodeRuntime(random)
    const createSession = vi.fn(runtime.createSession)
    const model = await openEngine({
      config: random.config,
      files: await readHeaders(random),
      runtime: { ...runtime, createSession },
    })
    expect(createSession.mock.calls.map(([, variant]) => variant)).toEqual(['decode'])
    const reference = await openReference(random)
    const { z } = await reference.forward({ tokens, record: true })
    expect(distance(await model.record([{ tokens }]), z!)).toBeLessThan(1e-4)
    expect(createSession.mock.calls.map(([, variant]) => variant)).toEqual(['decode', 'record'])
    await model.dispose()
    runtime.close()
  })

  it('runs a graph given as bytes with the weight files as external data', async () => {
    const externalData = [...random.files].map(([path, data]) => ({ path, data }))
    const runtime: Runtime = {
      Tensor: ort.Tensor,
      createSession: (graph) => ort.InferenceSession.create(graph, { externalData, logSeverityLevel: 3 }),
    }
    const model = await openEngine({ config: random.config, files: await readHeaders(random), runtime })
    const { logits } = await (await openReference(random)).forward({ tokens, logitsAt: [3] })
    expect(distance(await model.logits({ tokens }), logits)).toBeLessThan(1e-4)
    await model.dispose()
  })

  it('refuses weights that give NaN and releases the session', async () => {
    const name = 'model.safetensors'
    const bytes = random.files.get(name)!.slice()
    const { tensors } = await readSafetensorsHeader(bytesSource(bytes))
    const { begin } = tensors.find((tensor) => tensor.name === 'model.norm.weight')!
    new DataView(bytes.buffer).setFloat32(begin, Number.NaN, true)
    const damaged = { ...random, files: new Map([[name, bytes]]) }
    const runtime = nodeRuntime(damaged)
    let release = vi.fn()
    const createSession: Runtime['createSession'] = async (graph, variant) => {
      const session = await runtime.createSession(graph, variant)
      release = vi.spyOn(session, 'release')
      return session
    }
    const opening = openEngine({
      config: random.config,
      files: await readHeaders(damaged),
      runtime: { ...runtime, createSession },
    })
    await expect(opening).rejects.toMatchObject({ code: 'non-finite' })
    expect(release).toHaveBeenCalledTimes(1)
    runtime.close()
  })
})

describe('the graph', () => {
  it('with a zero displacement gives bit for bit what it gives without the input', async () => {
    const runtime = nodeRuntime(random)
    const plain = await openDecoder(random, runtime, { steering: false, record: false })
    const steerable = await openDecoder(random, runtime, { record: false })
    const request = { tokens, logitsAt: [0, 1, 2, 3] }
    expect((await steerable.forward(request)).logits).toEqual((await plain.forward(request)).logits)
    await expect(plain.forward({ tokens, displacement: randomDisplacement(plain.shape) })).rejects.toThrow(
      'no displacement input',
    )
    await Promise.all([plain.dispose(), steerable.dispose()])
    runtime.close()
  })

  it('lets every row of a batch have its own displacement', async () => {
    const runtime = nodeRuntime(random)
    const sessions: ort.InferenceSession[] = []
    const createSession: Runtime['createSession'] = async (graph, variant) => {
      sessions.push((await runtime.createSession(graph, variant)) as ort.InferenceSession)
      return sessions[0]!
    }
    const decoder = await openDecoder(random, { ...runtime, createSession }, { attention: 'decomposed' })
    const { shape } = decoder
    const displacements = [1, 2].map((seed) => randomDisplacement(shape, seed))
    const empty = new ort.Tensor('float32', new Float32Array(), [2, shape.kvHeads, 0, shape.headDim])
    const session = sessions[0]!
    const caches = session.inputNames.filter((name) => name.startsWith('past_key_values')).map((name) => [name, empty] as const)
    const { logits } = await session.run(
      {
        ...Object.fromEntries(caches),
        input_ids: new ort.Tensor('int64', BigInt64Array.from([...tokens, ...tokens], BigInt), [2, 4]),
        positions: new ort.Tensor('int64', BigInt64Array.of(3n, 7n), [2]),
        displacement: new ort.Tensor('float32', Float32Array.of(...displacements[0]!, ...displacements[1]!), [
          2,
          shape.layers,
          64,
        ]),
      },
      ['logits'],
    )
    for (const [row, displacement] of displacements.entries()) {
      const alone = await decoder.forward({ tokens, displacement, logitsAt: [3] })
      const { vocabSize } = shape
      const found = (logits!.data as Float32Array).subarray(row * vocabSize, (row + 1) * vocabSize)
      expect(distance(found, alone.logits)).toBeLessThan(1e-5)
    }
    await decoder.dispose()
    runtime.close()
  })

  it('is fused where the operator can compute the model, and refuses to be where it cannot', () => {
    const choose = (overrides: Record<string, unknown>, wanted?: 'fused') => {
      const { config } = randomModel({ json: configJson(overrides) })
      return chooseAttention(config, modelShape(config), wanted)
    }
    const mistral = { model_type: 'mistral', architectures: ['MistralForCausalLM'] }
    expect(choose({})).toBe('fused')
    expect(choose({ head_dim: 24 })).toBe('decomposed')
    expect(choose({ ...mistral, sliding_window: 64 })).toBe('decomposed')
    expect(choose({ ...mistral, sliding_window: 128 })).toBe('fused')
    expect(() => choose({ head_dim: 24 }, 'fused')).toThrow('multiple of 16 (here 24)')
  })
})
