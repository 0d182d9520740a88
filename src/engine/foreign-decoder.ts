/**
 * @file A decoder over an ONNX graph that others exported, after surgery: feeds what the graph declares (`graph/onnx-interface.ts`), keeps keys and values in
 * the type the graph has, and picks the logits that were asked for out of all.
 */
import type { Tensor, TensorConstructor } from 'onnxruntime-common'
import { PalignError } from '../errors.ts'
import { DISPLACEMENT, Z } from '../graph/names.ts'
import type { GraphInput, GraphInterface } from '../graph/onnx-interface.ts'
import { fromFloat16 } from '../math/half-floats.ts'
import { zeroDisplacement } from '../model/displacement.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import type { Decoder, ForwardRequest } from './decoder.ts'
import { grownCache, keptCache } from './foreign-cache.ts'
import { type OrtSession, runSession } from './ort-decoder.ts'

export interface ForeignDecoderOptions {
  readonly session: OrtSession
  readonly Tensor: TensorConstructor
  readonly shape: ModelShape
  readonly graph: GraphInterface
  /** Whether the graph gives keys and values of new tokens alone (`surgeryEdits`); default: those of all. */
  readonly keepsCache?: boolean | undefined
}

/** Steered where the session has an input for the displacement. It takes no adapters. */
export function foreignDecoder({ session, Tensor, shape, graph, keepsCache = false }: ForeignDecoderOptions): Decoder {
  const isSteered = session.inputNames.includes(DISPLACEMENT)
  const displacementShape = [1, shape.layers, zWidth(shape)]
  const zero = new Tensor('float32', zeroDisplacement(shape), displacementShape)
  const planCache = (keepsCache ? keptCache : grownCache)({ Tensor, shape, graph })
  const hasSelection = graph.inputs.some(({ role }) => role === 'selected')
  const keepsLast = graph.inputs.some(({ role }) => role === 'kept-logits')

  return {
    shape,
    async forward({ tokens, past, displacement, adapter, logitsAt = [], record = false }) {
      if (adapter !== undefined) throw new PalignError('engine-failed', 'onnx model takes no adapters, one was given')
      const before = past?.length ?? 0
      // From the first token whose logits are wanted to the last; a graph that counts them takes 0 for all.
      const kept = keepsLast ? tokens.length - Math.min(tokens.length - 1, ...logitsAt) : tokens.length
      const cache = planCache(past, tokens.length)
      const pass = { tokens, logitsAt, before, columns: cache.columns, kept }
      const feeds: Record<string, Tensor> = Object.fromEntries([
        ...graph.inputs.map((input) => [input.name, integerTensor(Tensor, input, numbersFor(input, pass))]),
        ...graph.caches.map(({ past: name }, i) => [name, cache.pasts[i]!]),
      ])
      if (isSteered) {
        feeds[DISPLACEMENT] = displacement === undefined ? zero : new Tensor('float32', displacement, displacementShape)
      } else if (displacement !== undefined) {
        throw new PalignError('engine-failed', 'graph has no displacement input, a displacement was given')
      }
      const fetches: Record<string, null> = Object.fromEntries(cache.fetches.map((name) => [name, null]))
      if (logitsAt.length > 0) fetches[graph.logits.name] = null
      if (record) fetches[Z] = null
      const outputs = await runSession(session, feeds, fetches)
      const state = cache.finish(outputs)
      const rows = hasSelection ? logitsAt.map((_, i) => i) : logitsAt.map((at) => at - (tokens.length - kept))
      const logits =
        logitsAt.length === 0
          ? new Float32Array()
          : pickRows(outputs[graph.logits.name]!, rows, { rows: hasSelection ? logitsAt.length : kept, width: shape.vocabSize })
      return record ? { logits, state, z: outputs[Z]!.data as Float32Array } : { logits, state }
    },
    dispose: () => session.release(),
  }
}

interface Pass {
  readonly tokens: ForwardRequest['tokens']
  readonly logitsAt: readonly number[]
  /** Tokens of the past. */
  readonly before: number
  /** Places for them, of which the last are hidden. */
  readonly columns: number
  /** Tokens at the end that get logits. */
  readonly kept: number
}

interface Numbers {
  readonly values: ArrayLike<number>
  readonly shape: readonly number[]
}

function numbersFor({ role, isScalar }: GraphInput, { tokens, logitsAt, before, columns, kept }: Pass): Numbers {
  const total = before + tokens.length
  const one = (value: number): Numbers => ({ values: [value], shape: isScalar ? [] : [1] })
  switch (role) {
    case 'ids':
      return { values: tokens, shape: [1, tokens.length] }
    case 'mask':
      return { values: maskOf(before, columns, tokens.length), shape: [1, columns + tokens.length] }
    case 'positions':
      return { values: Array.from(tokens, (_, i) => before + i), shape: [1, tokens.length] }
    case 'selected':
      return { values: logitsAt, shape: [logitsAt.length] }
    case 'kept-logits':
      return one(kept)
    case 'last-position':
      return one(total - 1)
    case 'total-length':
      return one(total)
    default:
      return role satisfies never
  }
}

function maskOf(before: number, columns: number, added: number): Uint8Array {
  const mask = new Uint8Array(columns + added).fill(1)
  return mask.fill(0, before, columns)
}

function integerTensor(Tensor: TensorConstructor, { type }: GraphInput, { values, shape }: Numbers): Tensor {
  return type === 'int64'
    ? new Tensor('int64', BigInt64Array.from(values, BigInt), shape)
    : new Tensor('int32', Int32Array.from(values), shape)
}

function pickRows(
  tensor: Tensor,
  wanted: readonly number[],
  { rows, width }: { readonly rows: number; readonly width: number },
): Float32Array {
  if (tensor.size !== rows * width) {
    throw new PalignError('engine-failed', `onnx logits have the shape [${tensor.dims}], expected ${rows} rows of ${width}`, {
      hint: 'check that config.json belongs to the model: its vocab_size decides',
    })
  }
  const out = new Float32Array(wanted.length * width)
  for (const [i, row] of wanted.entries()) out.set(floatsOf(tensor, row * width, (row + 1) * width), i * width)
  return out
}

/** Runtimes without Float16Array give the bits. */
function floatsOf({ data }: Tensor, start: number, end: number): Float32Array {
  const part = (data as Float32Array | Uint16Array).subarray(start, end)
  return part instanceof Uint16Array ? fromFloat16(part) : Float32Array.from(part)
}
