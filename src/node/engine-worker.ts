/** @file Worker thread of the engine: one model, opened once, answering calls about tokens. */
import { parentPort } from 'node:worker_threads'
import { deviceSelfTest } from '../engine/device-self-test.ts'
import { openEngine } from '../engine/open-engine.ts'
import { PalignError } from '../errors.ts'
import type {
  PromptLogprobsRequest,
  RunOptions,
  SamplingOptions,
  ScoreRequest,
  TokenModel,
  Tokens,
} from '../model/language-model.ts'
import { adapterReceiver, type SentAdapter, type SentSteering } from './adapter-transfer.ts'
import { assertDevice, DEVICE_NEEDS, graphsOf } from './devices.ts'
import type { LoadModelOptions, OpenedModel } from './load-model.ts'
import { fingerprintOf, readModelFolder } from './model-folder.ts'
import { locateOnnx } from './onnx-location.ts'
import { openOnnx } from './open-onnx.ts'
import { ortRuntime } from './ort-runtime.ts'
import { answerCalls, type CallContext } from './worker-calls.ts'

/** Progress messages per second at most: they must not outnumber the work. */
const PROGRESS_PER_SECOND = 20

interface OpenRequest extends Pick<LoadModelOptions, 'contextLength' | 'threads' | 'batchLimits' | 'device' | 'onnxFile'> {
  readonly folder: string
  readonly endTokens: readonly number[]
}

const { receive, steeringOf } = adapterReceiver()
let opened: TokenModel | undefined

function model(): TokenModel {
  if (opened === undefined) throw new PalignError('engine-failed', 'engine has no model open')
  return opened
}

async function open(request: OpenRequest): Promise<OpenedModel> {
  const { folder, endTokens, device = 'cpu', contextLength, threads, batchLimits, onnxFile } = request
  assertDevice(device)
  const onnx = await locateOnnx(folder, onnxFile)
  if (onnx !== undefined) {
    const { engine, fingerprint } = await openOnnx({ ...request, device, onnx })
    opened = engine
    return { shape: engine.shape, layerWeights: undefined, fingerprint }
  }
  const { config, files } = await readModelFolder(folder)
  const weights = { folder, files: files.map((file) => file.name), threads }
  const runtime = ortRuntime({ ...weights, device })
  if (device !== 'cpu') {
    const needs = DEVICE_NEEDS[device]
    await deviceSelfTest({ device, needs, config, files, contextLength, cpu: ortRuntime(weights), runtime })
  }
  const [fingerprint, engine] = await Promise.all([
    fingerprintOf(folder, files),
    openEngine({ config, files, runtime, contextLength, endTokens, batchLimits, graphs: graphsOf(device) }),
  ])
  opened = engine
  return { shape: engine.shape, layerWeights: engine.layerWeights, fingerprint }
}

function runOptions(sent: SentSteering, { signal, emit }: CallContext): RunOptions {
  let last = 0
  return {
    ...steeringOf(sent),
    signal,
    onProgress(progress) {
      const now = performance.now()
      if (progress.done < progress.total && now - last < 1000 / PROGRESS_PER_SECOND) return
      last = now
      emit(progress)
    },
  }
}

if (parentPort !== null) {
  answerCalls(parentPort, {
    open,
    adapter: async (sent: SentAdapter) => receive(sent),
    logits: async ({ tokens, ...sent }: SentSteering & { tokens: Tokens }) => model().logits({ tokens, ...steeringOf(sent) }),
    record: async (request: SentSteering & { prompts: Parameters<TokenModel['record']>[0] }, context) =>
      model().record(request.prompts, runOptions(request, context)),
    score: async (request: SentSteering & { requests: readonly ScoreRequest[] }, context) =>
      model().score(request.requests, runOptions(request, context)),
    promptLogprobs: async (
      { tokens, topLogprobs, ...sent }: SentSteering & Pick<PromptLogprobsRequest, 'tokens' | 'topLogprobs'>,
      { signal },
    ) => model().promptLogprobs({ tokens, topLogprobs, ...steeringOf(sent), signal }),
    generationLoad: async () => model().generationLoad?.(),
    usage: () => model().usage(),
    dispose: async () => opened?.dispose(),
    async generate(
      { displacement, adapterId, ...request }: SentSteering & SamplingOptions & { tokens: Tokens },
      { signal, emit },
    ) {
      const steering = steeringOf({ displacement, adapterId })
      for await (const token of model().generateTokens({ ...request, ...steering, signal })) emit(token)
    },
  })
}
