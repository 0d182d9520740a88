/** @file Sessions of training graphs, one for each static shape and loss, and one run of one of them. */
import type { Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-common'
import type { OrtSession } from '../engine/ort-decoder.ts'
import { PalignError } from '../errors.ts'
import { adapterScale } from '../model/adapter.ts'
import type { Tensors } from './adamw.ts'
import type { LossSpec } from './losses.ts'
import type { BatchShape, Feeds, PaddedBatch } from './padded-batch.ts'
import { SCALE, type Trained, type TrainingGraph, type TrainingGraphOptions, trainingGraph } from './training-graph.ts'

/** The ONNX Runtime of the platform, with its options for training: weights stay mapped, no memory plan is kept. */
export interface TrainingRuntime {
  readonly Tensor: TensorConstructor
  createSession(graph: Uint8Array): Promise<OrtSession>
}

export interface TrainingSessionsOptions extends Pick<TrainingGraphOptions, 'config' | 'shape' | 'checkpointing'> {
  readonly runtime: TrainingRuntime
}

export interface RunRequest {
  readonly batch: PaddedBatch
  readonly trained: Trained
  readonly loss: LossSpec
  readonly parameters: Tensors
  /** Of an adapter; default alpha / rank. 0 is the base model. */
  readonly scale?: number | undefined
  /** Draws which inputs of an adapter are kept: fills an array with 0 and 1. */
  readonly drawMask?: ((mask: Uint8Array) => void) | undefined
}

export interface TrainingSessions {
  /** Outputs of the graph by name. */
  run(request: RunRequest): Promise<ReadonlyMap<string, Float32Array>>
  dispose(): Promise<void>
}

/** Sessions that stay open: enough for a few lengths and losses, few enough for their memory. */
const MOST_SESSIONS = 12

interface Opened {
  readonly graph: TrainingGraph
  readonly session: OrtSession
}

export function trainingSessions({ config, shape, checkpointing, runtime }: TrainingSessionsOptions): TrainingSessions {
  const opened = new Map<string, Promise<Opened>>()
  const { Tensor } = runtime

  const open = async (batch: BatchShape, trained: Trained, loss: LossSpec): Promise<Opened> => {
    const graph = trainingGraph({ config, shape, trained, ...batch, loss, checkpointing })
    try {
      return { graph, session: await runtime.createSession(graph.bytes) }
    } catch (cause) {
      throw new PalignError(
        'engine-failed',
        `training graph for ${batch.rows} rows of ${batch.length} tokens could not be opened`,
        {
          hint: 'see the cause; memory may be short: fewer tokens a step need less',
          cause,
        },
      )
    }
  }
  const sessionFor = async (batch: BatchShape, trained: Trained, loss: LossSpec): Promise<Opened> => {
    const { rows, length, selected } = batch
    const key = JSON.stringify([rows, length, selected, loss, trained.kind === 'adapter' && [trained.dropout, trained.valueHead]])
    const known = opened.get(key) ?? open(batch, trained, loss)
    // The most recently used lies last.
    opened.delete(key)
    opened.set(key, known)
    if (opened.size > MOST_SESSIONS) {
      const [[oldest, idle]] = opened as unknown as [[string, Promise<Opened>]]
      opened.delete(oldest)
      await (await idle).session.release()
    }
    return known
  }
  const feed = (feeds: Feeds) =>
    [...feeds].map(([name, { values, shape: size }]): [string, OrtTensor] => [name, tensorOf(Tensor, values, size)])

  return {
    async run({ batch, trained, loss, parameters, scale, drawMask }) {
      if (batch.longest > shape.contextLength) {
        throw new PalignError(
          'invalid-input',
          `row of ${batch.longest} tokens is longer than the context of ${shape.contextLength}`,
        )
      }
      const { graph, session } = await sessionFor(batch.shape, trained, loss)
      const feeds: Record<string, OrtTensor> = Object.fromEntries(feed(batch.feeds))
      for (const [name, size] of graph.parameters) feeds[name] = tensorOf(Tensor, parameters.get(name)!, size)
      for (const [name, size] of graph.masks) {
        const mask = new Uint8Array(size.reduce((product, side) => product * side, 1)).fill(1)
        drawMask?.(mask)
        feeds[name] = new Tensor('bool', mask, size)
      }
      if (trained.kind === 'adapter') feeds[SCALE] = tensorOf(Tensor, Float32Array.of(scale ?? adapterScale(trained.adapter)), [])
      const known = new Set(session.inputNames)
      for (const name of Object.keys(feeds)) if (!known.has(name)) delete feeds[name]
      try {
        const outputs = await session.run(feeds)
        return new Map(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array]))
      } catch (cause) {
        throw new PalignError('engine-failed', 'training step failed in ONNX Runtime', {
          hint: 'see the cause; memory may be short: fewer tokens a step need less',
          cause,
        })
      }
    },
    async dispose() {
      for (const session of opened.values()) await (await session).session.release()
      opened.clear()
    },
  }
}

function tensorOf(
  Tensor: TensorConstructor,
  values: Float32Array | BigInt64Array | Uint8Array,
  shape: readonly number[],
): OrtTensor {
  if (values instanceof Float32Array) return new Tensor('float32', values, shape)
  if (values instanceof Uint8Array) return new Tensor('bool', values, shape)
  return new Tensor('int64', values, shape)
}
