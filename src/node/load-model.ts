/** @file `loadModel`: a Hugging Face folder or a GGUF file becomes a LanguageModel whose engine runs in a worker thread. */
import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { BatchLimits } from '../engine/batch-scheduler.ts'
import { PalignError } from '../errors.ts'
import {
  DEFAULT_MAX_TOKENS,
  type GeneratedToken,
  type GenerateRequest,
  type GenerationEvent,
  type LanguageModel,
  type Progress,
  type RunOptions,
  type Tokens,
} from '../model/language-model.ts'
import type { Message } from '../model/messages.ts'
import type { Precision } from '../model/precision.ts'
import type { ModelShape } from '../model/shape.ts'
import type { Device } from './device-names.ts'
import { type EngineSession, engineClient } from './engine-client.ts'
import { generationEvents } from './generation-events.ts'
import { folderInPrecision } from './model-precision.ts'
import { modelFolderOf } from './model-source.ts'
import { readEndTokens, readModelText, renderChat } from './model-text.ts'
import { modelPlace } from './onnx-location.ts'
import { refuseTelemetry } from './telemetry.ts'
import { templateRenderer } from './template-renderer.ts'

export interface LoadModelOptions {
  /** Precision of the weights; default: as they are. Another one is made once and kept in the cache folder. */
  readonly dtype?: Precision | undefined
  /** Which ONNX file of the folder to run, such as `model_q4.onnx`; default: `model.onnx` or the only one, where there are no safetensors. */
  readonly onnxFile?: string | undefined
  /** Progress of making it. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** What computes; default: the CPU. Another must give the CPU's answers for the first layers of the model before it is used. */
  readonly device?: Device | undefined
  /** Longest sequence in tokens; default: what the model was trained for, at most 8,192. */
  readonly contextLength?: number | undefined
  /** Threads of the runtime; default: as many as it finds cores. */
  readonly threads?: number | undefined
  /** What generating many texts at once may take. */
  readonly batchLimits?: BatchLimits | undefined
  /** Starts the engine's thread; default: the one that comes with the package. */
  readonly startWorker?: (() => Worker) | undefined
}

/** What the engine worker answers when it has opened a folder. */
export interface OpenedModel {
  readonly shape: ModelShape
  readonly layerWeights: number | undefined
  readonly fingerprint: string
}

const ROLES: readonly string[] = ['system', 'user', 'assistant'] satisfies Message['role'][]

/**
 * A folder, a GGUF file (made a folder in the cache, once), or an ONNX file in a folder or in its folder `onnx`. Reads config.json, the weights or the ONNX file,
 * tokenizer.json and the chat template; builds the graph; starts the engine and lets it
 * prove that a displacement acts. An engine that crashes fails what it was at and is started again by the next call.
 * @throws PalignError `not-found`, `malformed-file`, `unsupported-model`, `non-finite` (weights), `engine-failed`; `invalid-input` for a device
 * that ONNX Runtime does not have here
 */
export async function loadModel(folder: string, options: LoadModelOptions = {}): Promise<LanguageModel> {
  const { startWorker, dtype, onProgress, onnxFile: namedFile, ...open } = options
  const { folder: place, onnxFile } = modelPlace(resolve(folder), namedFile)
  if (onnxFile !== undefined && dtype !== undefined) {
    throw new PalignError('invalid-input', `dtype ${dtype} was asked of the ONNX file ${onnxFile}, which runs as it is`, {
      hint: 'choose the file of that precision, or use the safetensors of the model',
    })
  }
  const source = await modelFolderOf(place)
  const path = dtype === undefined ? source : await folderInPrecision(source, { precision: dtype, onProgress })
  // A worker that fails to start must not hide that a file is missing: the cheap readers come first.
  const text = await readModelText(path)
  const endTokens = await readEndTokens(path)
  refuseTelemetry()
  const engine = await engineClient({
    startWorker: startWorker ?? (() => new Worker(new URL('./engine-worker.js', import.meta.url))),
    open: { folder: path, endTokens, onnxFile, ...open },
  })
  const renderer = templateRenderer(() => new Worker(new URL('./template-worker.js', import.meta.url)))
  const { shape, layerWeights, fingerprint } = engine.opened
  const render: LanguageModel['render'] = async (messages, { continueWith = '' } = {}) => {
    const stranger = messages.find(({ role }) => !ROLES.includes(role))
    if (stranger !== undefined)
      throw new PalignError('invalid-input', `message has role ${stranger.role}, expected one of ${ROLES.join(', ')}`)
    return text.tokenizer.encodeParts(await renderChat(text, renderer, messages, continueWith))
  }

  const call: EngineCall = async (method, argument, options) => {
    const { client, send } = await engine.session()
    // Made when it is sent, so that no other adapter comes between.
    return client.call(method, argument(send), options)
  }
  const run = <T>(method: string, argument: object, { signal, onProgress, ...steering }: RunOptions = {}): Promise<T> =>
    call(method, (send) => ({ ...argument, ...send(steering) }), { signal, ...(onProgress && { onEvent: onProgress }) })

  return {
    shape,
    layerWeights,
    fingerprint,
    encode: text.tokenizer.encode,
    decode: text.tokenizer.decode,
    render,
    logits: ({ tokens, ...steering }) => run('logits', { tokens }, steering),
    record: (prompts, runOptions) =>
      run('record', { prompts: prompts.map(({ tokens }) => ({ tokens: plain(tokens) })) }, runOptions),
    score: (requests, runOptions) => run('score', { requests }, runOptions),
    promptLogprobs: ({ tokens, topLogprobs, ...options }) =>
      run('promptLogprobs', { tokens: plain(tokens), topLogprobs }, options),
    generationLoad: () => call('generationLoad', () => undefined),
    usage: () => call('usage', () => undefined),
    generate: (request) => generate(call, request, { shape, render, decode: text.tokenizer.decode }),
    async dispose() {
      await Promise.all([engine.dispose(), renderer.dispose()])
    },
  }
}

const plain = (tokens: Tokens) => Array.from(tokens)

/** A call to the engine of the moment; its argument is made from how that engine is sent its steering. */
type EngineCall = <T>(
  method: string,
  argument: (send: EngineSession['send']) => object | undefined,
  options?: Parameters<EngineSession['client']['call']>[2],
) => Promise<T>

async function* generate(
  call: EngineCall,
  { messages, tokens, stop = [], signal, displacement, adapter, ...sampling }: GenerateRequest,
  { shape, render, decode }: Pick<LanguageModel, 'shape' | 'render' | 'decode'>,
): AsyncIterable<GenerationEvent> {
  if ((messages === undefined) === (tokens === undefined)) {
    throw new PalignError('invalid-input', 'generate needs either messages or tokens, and not both')
  }
  const prompt = tokens === undefined ? await render(messages as readonly Message[]) : plain(tokens)
  const maxTokens = sampling.maxTokens ?? DEFAULT_MAX_TOKENS
  const argument = (send: EngineSession['send']) => ({
    ...sampling,
    ...send({ displacement, adapter }),
    maxTokens,
    tokens: prompt,
  })
  const stream = tokenStream(call, argument, signal)
  yield* generationEvents(stream, { prompt, maxTokens, contextLength: shape.contextLength, stop, decode })
}

/** Events of a worker call as an async iterable; leaving the loop cancels the call. */
async function* tokenStream(
  call: EngineCall,
  argument: (send: EngineSession['send']) => object,
  signal: AbortSignal | undefined,
): AsyncIterable<GeneratedToken> {
  const left = new AbortController()
  const arrived: GeneratedToken[] = []
  let ended = false
  let wake = () => {}
  const done = call('generate', argument, {
    signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
    onEvent(token: GeneratedToken) {
      arrived.push(token)
      wake()
    },
  }).finally(() => {
    ended = true
    wake()
  })
  // The failure is thrown below; until then it must not count as unhandled.
  done.catch(() => undefined)
  try {
    while (true) {
      while (arrived.length > 0) yield arrived.shift() as GeneratedToken
      if (ended) break
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    await done
  } finally {
    left.abort()
  }
}
