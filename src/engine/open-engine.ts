/** @file From a config and the headers of weight files to a model that has proved that it can be steered. */
import type { TensorConstructor } from 'onnxruntime-common'
import { PalignError } from '../errors.ts'
import { type AttentionKind, chooseAttention } from '../graph/attention.ts'
import { llamaGraph } from '../graph/llama.ts'
import { type LlamaConfig, modelShape } from '../graph/llama-config.ts'
import { linearModules, locateWeights, type WeightFile } from '../graph/weights.ts'
import type { LinearLayer } from '../model/adapter.ts'
import { layerWeightsOf } from '../model/flops.ts'
import type { TokenModel } from '../model/language-model.ts'
import { adaptableDecoder } from './adaptable-decoder.ts'
import { type BatchDecoder, ortBatchDecoder } from './batch-decoder.ts'
import type { BatchLimits } from './batch-scheduler.ts'
import { batchSelfTest } from './batch-self-test.ts'
import type { Decoder } from './decoder.ts'
import { type OrtSession, ortDecoder } from './ort-decoder.ts'
import { ortRowDecoder, type RowDecoder } from './row-decoder.ts'
import { rowSelfTest } from './row-self-test.ts'
import { selfTest } from './self-test.ts'
import { tokenModel } from './token-model.ts'

/**
 * `decode` steers and generates; `record` also gives z. They are two sessions, since reading z slows every call; and each once more for
 * every set of adapted layers in use. `rows` scores many short prompts in one pass, `batch` generates many texts at once.
 */
export type GraphVariant = 'decode' | 'record' | 'rows' | 'batch'

/** The ONNX Runtime of the platform. */
export interface Runtime {
  readonly Tensor: TensorConstructor
  /**
   * Opens a serialised graph that refers to the weight files by name. From a path the file must lie in a folder that
   * really holds them (hard links, or copies); from bytes they go along as `externalData`.
   */
  createSession(graph: Uint8Array, variant: GraphVariant, options?: SessionChoices): Promise<OrtSession>
}

export interface SessionChoices {
  /** Whether weights may stay mapped instead of being packed into copies. Products of blocks are others then, so not for those. */
  readonly mayMap?: boolean | undefined
}

export interface OpenEngineOptions {
  readonly config: LlamaConfig
  /** Every weight file of the model. */
  readonly files: readonly WeightFile[]
  readonly runtime: Runtime
  /** Tokens; default what the model was made for, at most 8192. */
  readonly contextLength?: number | undefined
  readonly endTokens?: readonly number[] | undefined
  readonly batchLimits?: BatchLimits | undefined
  /** Default: fused where the operator can compute the model. */
  readonly attention?: AttentionKind | undefined
  /** Default: fused, for ONNX Runtime on its CPU. Other devices need plain ones, and a `deviceSelfTest`. */
  readonly graphs?: GraphKind | undefined
}

/**
 * `plain` is of operators that were found to be right on devices other than the CPU (`docs/decisions/0019`). Many texts in one pass are of the fused kind
 * only: under it texts are scored and generated one by one.
 */
export type GraphKind = 'fused' | 'plain'

/** Throws `unsupported-model` for weights that do not fit the config, `engine-failed` or `non-finite` where the self-test fails. */
export async function openEngine(options: OpenEngineOptions): Promise<TokenModel> {
  const { config, files, runtime, endTokens, batchLimits, graphs = 'fused' } = options
  const shape = modelShape(config, options)
  const weights = locateWeights(config, files)
  const attention = chooseAttention(config, shape, options.attention ?? (graphs === 'plain' ? 'decomposed' : undefined))
  const inBlocks = [...weights.values()].some(({ kind }) => kind === 'blocks')

  const modules = linearModules(config)

  const openGraph = async (variant: GraphVariant, adapt: readonly LinearLayer[] = []): Promise<Decoder> => {
    const graph = llamaGraph({ config, shape, weights, attention, products: graphs, record: variant === 'record', adapt })
    return ortDecoder({ session: await createSession(runtime, graph, variant), Tensor: runtime.Tensor, shape, modules })
  }
  const open = async (variant: GraphVariant): Promise<Decoder> =>
    adaptableDecoder({ plain: await openGraph(variant), modules, openAdapted: (targets) => openGraph(variant, targets) })

  const decoder = await open('decode')
  const openRows = async (): Promise<RowDecoder> => {
    const graph = llamaGraph({ config, shape, weights, attention: 'shared-past' })
    const rows = ortRowDecoder({
      session: await createSession(runtime, graph, 'rows', { mayMap: !inBlocks }),
      Tensor: runtime.Tensor,
      shape,
    })
    return orDispose(rows, rowSelfTest({ decoder, rows, inBlocks }))
  }

  const openBatch = async (): Promise<BatchDecoder> => {
    const graph = llamaGraph({ config, shape, weights, attention: 'own-past' })
    const batch = ortBatchDecoder({ session: await createSession(runtime, graph, 'batch'), Tensor: runtime.Tensor, shape })
    return orDispose(batch, batchSelfTest({ decoder, batch, inBlocks }))
  }

  const model = tokenModel(decoder, {
    endTokens,
    openRecorder: () => open('record'),
    ...(graphs === 'fused' && { openBatch, batchLimits, openRows }),
    layerWeights: layerWeightsOf(shape, config.ffnSize),
  })
  return orDispose(model, selfTest(model))
}

/** What was opened, once it has passed. */
async function orDispose<T extends { dispose(): Promise<void> }>(opened: T, test: Promise<void>): Promise<T> {
  try {
    await test
    return opened
  } catch (error) {
    await opened.dispose()
    throw error
  }
}

async function createSession(
  runtime: Runtime,
  graph: Uint8Array,
  variant: GraphVariant,
  choices?: SessionChoices,
): Promise<OrtSession> {
  try {
    return await runtime.createSession(graph, variant, choices)
  } catch (cause) {
    throw new PalignError('engine-failed', `session for the ${variant} graph could not be opened`, {
      hint: 'see the cause; the weight files may be unreadable or memory short',
      cause,
    })
  }
}
