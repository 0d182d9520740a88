/** @file The self-test of devices against devices that answer wrongly: the CPU, with its answers or its feeds changed on the way. */
import type { Tensor } from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { operatorDistances } from '../../src/engine/device-operators.ts'
import { deviceSelfTest } from '../../src/engine/device-self-test.ts'
import type { Runtime } from '../../src/engine/open-engine.ts'
import type { OrtSession } from '../../src/engine/ort-decoder.ts'
import { DISPLACEMENT, LOGITS } from '../../src/graph/names.ts'
import { configJson, QWEN2, randomModel } from '../fixtures/random-model.ts'
import { nodeRuntime, type OrtRuntime, readHeaders } from './open-model.ts'

const runtimes: OrtRuntime[] = []
afterAll(() => {
  for (const runtime of runtimes) runtime.close()
})

const floats = (tensor: unknown) => (tensor as Tensor).data as Float32Array

interface Fault {
  readonly feeds?: (feeds: Record<string, Tensor>) => void
  /** Gets the outputs by name. */
  readonly outputs?: (outputs: Record<string, Tensor>) => void
}

/** What the CPU says, with a fault. */
function faulty(runtime: Runtime, { feeds: change, outputs: spoil }: Fault): Runtime {
  const wrapped = (session: OrtSession): OrtSession => ({
    inputNames: session.inputNames,
    release: () => session.release(),
    run: (async (feeds: Record<string, Tensor>, fetches: never) => {
      change?.(feeds)
      const outputs = (await session.run(feeds, fetches)) as Record<string, Tensor>
      spoil?.(outputs)
      return outputs
    }) as OrtSession['run'],
  })
  return { ...runtime, createSession: async (graph, variant) => wrapped(await runtime.createSession(graph, variant)) }
}

async function tried(fault: Fault, options: Parameters<typeof randomModel>[0] = {}) {
  const random = randomModel(options)
  const cpu = nodeRuntime(random, { intraOpNumThreads: 1 })
  runtimes.push(cpu)
  const { config } = random
  return deviceSelfTest({ device: 'test', config, files: await readHeaders(random), cpu, runtime: faulty(cpu, fault) })
}

describe('self-test of a device', () => {
  it.each([
    ['floats', {}],
    ['f16 weights', { dtype: 'F16' }],
    ['blocks of 4 bits', { bits: 4 }],
    ['biases', { json: configJson(QWEN2) }],
    ['a context of 12 tokens', { json: configJson({ max_position_embeddings: 12 }) }],
    ['one layer', { json: configJson({ num_hidden_layers: 1 }) }],
  ] as const)('passes one that answers as the CPU does, for a model with %s', async (_, options) => {
    // The same kernels on the same numbers.
    expect(await tried({}, options)).toEqual({ distance: 0 })
  })

  const scaled = (factor: number) => (outputs: Record<string, Tensor>) => {
    const logits = outputs[LOGITS] && floats(outputs[LOGITS])
    logits?.forEach((logit, i) => {
      logits[i] = logit * factor
    })
  }

  it('lets rounding pass', async () => {
    expect((await tried({ outputs: scaled(1 + 1e-5) })).distance).toBeCloseTo(1e-5, 6)
  })

  it.each<[string, Fault]>([
    ['whose logits are a thousandth off', { outputs: scaled(1.001) }],
    ['that ignores the displacement', { feeds: (feeds) => feeds[DISPLACEMENT] && floats(feeds[DISPLACEMENT]).fill(0) }],
    ['that gives NaN for one logit', { outputs: (outputs) => outputs[LOGITS] && floats(outputs[LOGITS]).fill(Number.NaN, 5, 6) }],
    [
      'that forgets the past',
      {
        feeds(feeds) {
          for (const [name, tensor] of Object.entries(feeds)) if (name.startsWith('past_key_values')) floats(tensor).fill(0)
        },
      },
    ],
    [
      'that is wrong from 32 tokens on only',
      {
        outputs(outputs) {
          const key = outputs['present.0.key']
          if (key !== undefined && key.dims[2]! >= 32) scaled(1.01)(outputs)
        },
      },
    ],
  ])('refuses one %s', async (_, fault) => {
    await expect(tried(fault)).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringMatching(
        /^self-test of device test failed: logits of \d+ tokens after \d+, (un)?steered, differ by /,
      ),
    })
  })

  it('names the operator that is at fault', async () => {
    // The operators are tried alone over two inputs; this device gets the second of them wrong wherever there is one.
    const fault: Fault = {
      outputs: scaled(2),
      feeds: ({ y }) => y && floats(y).fill(0),
    }
    await expect(tried(fault)).rejects.toThrow('operator Add alone differs by ')
  })

  it('says which device cannot be opened, and what it needs', async () => {
    const random = randomModel()
    const cpu = nodeRuntime(random)
    runtimes.push(cpu)
    const runtime: Runtime = { ...cpu, createSession: () => Promise.reject(new Error('no adapter\nat some place')) }
    const { config } = random
    const test = deviceSelfTest({
      device: 'test',
      needs: 'test needs a driver',
      config,
      files: await readHeaders(random),
      cpu,
      runtime,
    })
    await expect(test).rejects.toMatchObject({
      message: 'device test: session cannot be opened: no adapter',
      hint: 'use device cpu; test needs a driver',
    })
  })
})

describe('operators of our graphs, each alone', () => {
  it('can all be run, and are equal on equal devices', async () => {
    const cpu = nodeRuntime(randomModel(), { intraOpNumThreads: 1 })
    runtimes.push(cpu)
    const distances = await operatorDistances({ cpu, runtime: cpu })
    expect(distances.filter(({ distance }) => distance !== 0)).toEqual([])
    const operators = distances.map(({ operator }) => operator)
    expect(operators).toEqual(expect.arrayContaining(['MatMul', 'FusedMatMul', 'GroupQueryAttention', 'MatMulNBits of 4 bits']))
  })
})
