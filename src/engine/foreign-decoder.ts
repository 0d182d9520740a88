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
import type { Decoder, DecoderState, ForwardRequest } from './decoder.ts'
import { type OrtSession, runSession } from './ort-decoder.ts'

export interface ForeignDecoderOptions {
  readonly session: OrtSession
  readonly Tensor: TensorConstructor
  readonly shape: ModelShape
  readonly graph: GraphInterface
}

interface ForeignState extends DecoderState {
  /** In the order of the caches. */
  readonly tensors: readonly Tensor[]
}

/** Steered where the session has an input for the displacement. It takes no adapters. */
export function foreignDecoder({ session, Tensor, shape, graph }: ForeignDecoderOptions): Decoder {
  const isSteered = session.inputNames.includes(DISPLACEMENT)
  const displacementShape = [1, shape.layers, zWidth(shape)]
  const zero = new Tensor('float32', zeroDisplacement(shape), displacementShape)
  const empty = emptyPast(Tensor, shape, graph)
  const hasSelection = graph.inputs.some(({ role }) => role === 'selected')
  const keepsLast = graph.inputs.some(({ role }) => role === 'kept-logits')

  return {
    shape,
    async forward({ tokens, past, displacement, adapter, logitsAt = [], record = false }) {
      if (adapter !== undefined) throw new PalignError('engine-failed', 'onnx model takes no adapters, one was given')
      const before = past?.length ?? 0
      // From the first token whose logits are wanted to the last; a graph that counts them takes 0 for all.
      const kept = keepsLast ? tokens.length - Math.min(tokens.length - 1, ...logitsAt) : tokens.length
      const pass = { tokens, logitsAt, before, kept }
      const feeds: Record<string, Tensor> = Object.fromEntries([
        ...graph.inputs.map((input) => [input.name, integerTensor(Tensor, input, numbersFor(input, pass))]),
        ...graph.caches.map(({ past: name }, i) => [name, (past as ForeignState | undefined)?.tensors[i] ?? empty]),
      ])
      if (isSteered) {
        feeds[DISPLACEMENT] = displacement === undefined ? zero : new Tensor('float32', displacement, displacementShape)
      } else if (displacement !== undefined) {
        throw new PalignError('engine-failed', 'graph has no displacement input, a displacement was given')
      }
      const fetches: Record<string, null> = Object.fromEntries(graph.caches.map(({ present }) => [present, null]))
      if (logitsAt.length > 0) fetches[graph.logits.name] = null
      if (record) fetches[Z] = null
      const outputs = await runSession(session, feeds, fetches)
      const length = before + tokens.length
      const state: ForeignState = {
        tensors: graph.caches.map(({ present }) => checkedCache(outputs[present]!, present, graph.pastLength ?? length)),
        length,
        release() {},
      }
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

/** Pasts of no tokens; of the fixed length where the graph wants one, and then how many count comes from the mask. */
function emptyPast(Tensor: TensorConstructor, { kvHeads, headDim }: ModelShape, graph: GraphInterface): Tensor {
  const dimensions = [1, kvHeads, graph.pastLength ?? 0, headDim]
  const count = dimensions.reduce((product, size) => product * size, 1)
  return graph.cacheType === 'float32'
    ? new Tensor('float32', new Float32Array(count), dimensions)
    : new Tensor('float16', new Uint16Array(count), dimensions)
}

interface Pass {
  readonly tokens: ForwardRequest['tokens']
  readonly logitsAt: readonly number[]
  /** Tokens of the past. */
  readonly before: number
  /** Tokens at the end that get logits. */
  readonly kept: number
}

interface Numbers {
  readonly values: ArrayLike<number>
  readonly shape: readonly number[]
}

function numbersFor({ role, isScalar }: GraphInput, { tokens, logitsAt, before, kept }: Pass): Numbers {
  const total = before + tokens.length
  const one = (value: number): Numbers => ({ values: [value], shape: isScalar ? [] : [1] })
  switch (role) {
    case 'ids':
      return { values: tokens, shape: [1, tokens.length] }
    case 'mask':
      return { values: new Array(total).fill(1), shape: [1, total] }
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

function integerTensor(Tensor: TensorConstructor, { type }: GraphInput, { values, shape }: Numbers): Tensor {
  return type === 'int64'
    ? new Tensor('int64', BigInt64Array.from(values, BigInt), shape)
    : new Tensor('int32', Int32Array.from(values), shape)
}

function checkedCache(tensor: Tensor, name: string, length: number): Tensor {
  // A cache of another length would be continued at the wrong place.
  if (tensor.dims[2] !== length)
    throw new PalignError('engine-failed', `onnx output ${name} holds ${tensor.dims[2]} tokens, expected ${length}`)
  return tensor
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
