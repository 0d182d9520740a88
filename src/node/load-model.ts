/** @file `loadModel`: a Hugging Face folder becomes a LanguageModel whose engine runs in a worker thread. */
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
  type RunOptions,
  type Steering,
  type Tokens,
} from '../model/language-model.ts'
import type { Message } from '../model/messages.ts'
import type { ModelShape } from '../model/shape.ts'
import { adapterSender, type SentSteering } from './adapter-transfer.ts'
import { generationEvents } from './generation-events.ts'
import { readEndTokens, readModelText, renderChat } from './model-text.ts'
import { refuseTelemetry } from './telemetry.ts'
import { templateRenderer } from './template-renderer.ts'
import { type WorkerClient, workerClient } from './worker-calls.ts'

export interface LoadModelOptions {
  /** Longest sequence in tokens; default: what the model was trained for, at most 8,192. */
  readonly contextLength?: number | undefined
  /** Threads of the runtime; default: as many as it finds cores. */
  readonly threads?: number | undefined
  /** What generating many texts at once may take. */
  readonly batchLimits?: BatchLimits | undefined
}

/** What the engine worker answers when it has opened a folder. */
export interface OpenedModel {
  readonly shape: ModelShape
  readonly layerWeights: number | undefined
  readonly fingerprint: string
}

const ROLES: readonly string[] = ['system', 'user', 'assistant'] satisfies Message['role'][]

/**
 * Reads config.json, the safetensors files, tokenizer.json and the chat template; builds the graph; starts the engine and lets it
 * prove that a displacement acts.
 * @throws PalignError `not-found`, `malformed-file`, `unsupported-model`, `non-finite` (weights), `engine-failed`
 */
export async function loadModel(folder: string, options: LoadModelOptions = {}): Promise<LanguageModel> {
  const path = resolve(folder)
  // A worker that fails to start must not hide that a file is missing: the cheap readers come first.
  const text = await readModelText(path)
  const endTokens = await readEndTokens(path)
  refuseTelemetry()
  const engine = workerClient(new Worker(new URL('./engine-worker.js', import.meta.url)))
  const renderer = templateRenderer(() => new Worker(new URL('./template-worker.js', import.meta.url)))
  let opened: OpenedModel
  try {
    opened = await engine.call<OpenedModel>('open', { folder: path, endTokens, ...options })
  } catch (error) {
    await engine.dispose()
    throw error
  }
  const { shape, layerWeights, fingerprint } = opened
  const render: LanguageModel['render'] = async (messages, { continueWith = '' } = {}) => {
    const stranger = messages.find(({ role }) => !ROLES.includes(role))
    if (stranger !== undefined)
      throw new PalignError('invalid-input', `message has role ${stranger.role}, expected one of ${ROLES.join(', ')}`)
    return text.tokenizer.encodeParts(await renderChat(text, renderer, messages, continueWith))
  }

  const send = adapterSender(engine)
  const run = <T>(method: string, argument: object, { signal, onProgress, ...steering }: RunOptions = {}): Promise<T> =>
    engine.call<T>(method, { ...argument, ...send(steering) }, { signal, ...(onProgress && { onEvent: onProgress }) })

  return {
    shape,
    layerWeights,
    fingerprint,
    encode: text.tokenizer.encode,
    decode: text.tokenizer.decode,
    render,
    logits: ({ tokens, ...steering }) => engine.call('logits', { tokens, ...send(steering) }),
    record: (prompts, runOptions) =>
      run('record', { prompts: prompts.map(({ tokens }) => ({ tokens: plain(tokens) })) }, runOptions),
    score: (requests, runOptions) => run('score', { requests }, runOptions),
    promptLogprobs: ({ tokens, topLogprobs, signal, ...steering }) =>
      engine.call('promptLogprobs', { tokens: plain(tokens), topLogprobs, ...send(steering) }, { signal }),
    generationLoad: () => engine.call('generationLoad', undefined),
    usage: () => engine.call('usage', undefined),
    generate: (request) => generate(engine, request, { shape, render, decode: text.tokenizer.decode, send }),
    async dispose() {
      await Promise.all([engine.dispose(), renderer.dispose()])
    },
  }
}

const plain = (tokens: Tokens) => Array.from(tokens)

interface GenerateContext extends Pick<LanguageModel, 'shape' | 'render' | 'decode'> {
  readonly send: (steering: Steering) => SentSteering
}

async function* generate(
  engine: WorkerClient,
  { messages, tokens, stop = [], signal, displacement, adapter, ...sampling }: GenerateRequest,
  { shape, render, decode, send }: GenerateContext,
): AsyncIterable<GenerationEvent> {
  if ((messages === undefined) === (tokens === undefined)) {
    throw new PalignError('invalid-input', 'generate needs either messages or tokens, and not both')
  }
  const prompt = tokens === undefined ? await render(messages as readonly Message[]) : plain(tokens)
  const maxTokens = sampling.maxTokens ?? DEFAULT_MAX_TOKENS
  // Sent when the call is, so that no other adapter comes between.
  const request = () => ({ ...sampling, ...send({ displacement, adapter }), maxTokens, tokens: prompt })
  const stream = tokenStream(engine, request, signal)
  yield* generationEvents(stream, { prompt, maxTokens, contextLength: shape.contextLength, stop, decode })
}

/** Events of a worker call as an async iterable; leaving the loop cancels the call. */
async function* tokenStream(
  engine: WorkerClient,
  request: () => object,
  signal: AbortSignal | undefined,
): AsyncIterable<GeneratedToken> {
  const left = new AbortController()
  const arrived: GeneratedToken[] = []
  let ended = false
  let wake = () => {}
  const done = engine
    .call('generate', request(), {
      signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
      onEvent(token: GeneratedToken) {
        arrived.push(token)
        wake()
      },
    })
    .finally(() => {
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
