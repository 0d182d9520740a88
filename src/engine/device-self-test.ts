/**
 * @file Proof that a device answers as the CPU does, before anything it says is believed. The first two layers of the model itself, at its own widths and with
 * its own weights, run on both: a prompt, then tokens that continue it, with and without a displacement. An operator that the device leaves to the CPU is as
 * good as any; one that answers otherwise is refused.
 */
import { errorAt, PalignError } from '../errors.ts'
import { llamaGraph } from '../graph/llama.ts'
import { type LlamaConfig, modelShape } from '../graph/llama-config.ts'
import { locateWeights, type WeightFile } from '../graph/weights.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import { type Displacement, zeroDisplacement } from '../model/displacement.ts'
import type { Decoder } from './decoder.ts'
import { differingOperator } from './device-operators.ts'
import type { Runtime } from './open-engine.ts'
import { ortDecoder } from './ort-decoder.ts'
import { largestChange } from './self-test.ts'

export interface DeviceSelfTestOptions {
  /** As errors name it. */
  readonly device: string
  /** What it needs, for hints. */
  readonly needs?: string | undefined
  readonly config: LlamaConfig
  readonly files: readonly WeightFile[]
  readonly contextLength?: number | undefined
  /** Runtimes over the same files. */
  readonly cpu: Runtime
  readonly runtime: Runtime
}

/** What was seen where the device passed. */
export interface DeviceAgreement {
  /** Largest difference of a logit, as a share of the largest logit. */
  readonly distance: number
}

const LAYERS = 2
/** Kernels change with the length of a pass: one attention kernel was seen to be right up to 31 tokens and wrong from 32 on. */
const PROMPT = 96
const STEPS = [1, 3, 1]
/** Of the largest logit. Float32 in another order of sums differs by up to 3e-6; products rounded to 10 or 11 bits (TF32, float16) by 1e-3 and more. */
const TOLERANCE = 1e-4

/**
 * @throws PalignError `engine-failed` where the device cannot run the graph, gives NaN, or differs from the CPU: with the pass, the distance, and the
 * operator at fault where one differs by itself; what `locateWeights` throws
 */
export async function deviceSelfTest(options: DeviceSelfTestOptions): Promise<DeviceAgreement> {
  const { device, cpu, runtime } = options
  const expected = await tracesOf(options, cpu)
  const found = await tracesOf(options, runtime).catch((error: unknown) => {
    throw errorAt(`device ${device}`, error)
  })
  let distance = 0
  for (const [i, { pass, logits }] of expected.entries()) {
    const largest = logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0)
    const change = largestChange(found[i]!.logits, logits) / largest
    if (!(change <= TOLERANCE)) throw await differs(options, `logits of ${pass} differ by ${change} of the largest`)
    distance = Math.max(distance, change)
  }
  // What cannot move the logits of the CPU could not show that a device ignores it.
  const [plain, steered] = [expected[0]!, expected[expected.length / 2]!]
  if (!(largestChange(plain.logits, steered.logits) > 0))
    throw await differs(options, 'a displacement changes nothing on the CPU')
  return { distance }
}

async function differs({ device, needs, cpu, runtime }: DeviceSelfTestOptions, seen: string): Promise<PalignError> {
  const operator = await differingOperator({ cpu, runtime })
  const culprit = operator === undefined ? '' : `; operator ${operator.operator} alone differs by ${operator.distance}`
  return new PalignError(
    'engine-failed',
    `self-test of device ${device} failed: ${seen}, expected at most ${TOLERANCE}${culprit}`,
    { hint: `use device cpu, or another driver${needs === undefined ? '' : `; ${needs}`}` },
  )
}

interface Trace {
  readonly pass: string
  readonly logits: Float32Array
}

/** Logits of every pass on one runtime, unsteered ones first. */
async function tracesOf(options: DeviceSelfTestOptions, runtime: Runtime): Promise<readonly Trace[]> {
  const decoder = await openShort(options, runtime)
  try {
    const random = seededRandom(0)
    const displacement = zeroDisplacement(decoder.shape).map(() => gaussian(random))
    return [...(await passes(decoder, undefined)), ...(await passes(decoder, displacement))]
  } finally {
    await decoder.dispose()
  }
}

async function openShort(options: DeviceSelfTestOptions, { createSession, Tensor }: Runtime): Promise<Decoder> {
  const weights = locateWeights(options.config, options.files)
  const config = { ...options.config, layers: Math.min(LAYERS, options.config.layers) }
  const shape = modelShape(config, options)
  const graph = llamaGraph({ config, shape, weights, attention: 'decomposed', products: 'plain' })
  try {
    return ortDecoder({ session: await createSession(graph, 'decode'), Tensor, shape })
  } catch (cause) {
    throw new PalignError('engine-failed', `session cannot be opened: ${firstLine(cause)}`, {
      hint: `use device cpu${options.needs === undefined ? '' : `; ${options.needs}`}`,
      cause,
    })
  }
}

async function passes(decoder: Decoder, displacement: Displacement | undefined): Promise<readonly Trace[]> {
  const { contextLength, vocabSize } = decoder.shape
  const kind = displacement === undefined ? 'unsteered' : 'steered'
  const steps = STEPS.filter((_, i) => STEPS.slice(0, i + 1).reduce((sum, count) => sum + count, 0) < contextLength)
  const prompt = Math.min(PROMPT, contextLength - steps.reduce((sum, count) => sum + count, 0))
  const traces: Trace[] = []
  let past: Awaited<ReturnType<Decoder['forward']>>['state'] | undefined
  for (const count of [prompt, ...steps]) {
    const before = past?.length ?? 0
    const tokens = Array.from({ length: count }, (_, i) => ((before + i) * 7919) % vocabSize)
    const logitsAt = count === 1 ? [0] : [Math.floor(count / 2), count - 1]
    const { logits, state } = await decoder.forward({ tokens, past, displacement, logitsAt })
    traces.push({ pass: `${count} tokens after ${before}, ${kind},`, logits })
    past = state
  }
  past?.release()
  return traces
}

/** What a runtime says first; the rest is where in its own source. */
function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .split('\n', 1)[0]!
    .slice(0, 500)
}
