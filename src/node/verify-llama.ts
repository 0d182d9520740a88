/** @file GGUF files in llama.cpp, through node-llama-cpp where it is installed. */
import { PalignError } from '../errors.ts'
import type { Distributions, Probe } from '../export/verification.ts'
import type { OpenedExport, OpenedExports } from './export-target.ts'

/** The part of node-llama-cpp that is used here; it is an optional peer of the package. */
export interface LlamaLibrary {
  getLlama(options: object): Promise<Llama>
}
export interface Llama {
  readonly llamaCppRelease: { readonly release: string }
  loadModel(options: { readonly modelPath: string; readonly gpuLayers: number }): Promise<LlamaModel>
  dispose(): Promise<void>
}
interface LlamaModel {
  readonly tokens: { readonly bos: number | null; readonly eos: number | null; readonly shouldPrependBosToken: boolean }
  tokenize(text: string): number[]
  createContext(options: object): Promise<LlamaContext>
  dispose(): Promise<void>
}
interface LlamaContext {
  getSequence(): LlamaSequence
  dispose(): Promise<void>
}
type Evaluated = { readonly next: { readonly probabilities?: ReadonlyMap<number, number> } } | undefined
interface LlamaSequence {
  clearHistory(): Promise<void>
  controlledEvaluate(input: readonly (number | readonly [number, object])[]): Promise<readonly Evaluated[]>
}

/** Undefined where it is not installed or has no binary for this machine. */
export async function loadLlama(): Promise<LlamaLibrary | undefined> {
  return (import('node-llama-cpp') as Promise<unknown> as Promise<LlamaLibrary>).catch(() => undefined)
}

/**
 * Silent, on the processor, from the binary that comes with the package: nothing is built or fetched. One thread: those of llama.cpp wait for each other by
 * spinning, which on a busy machine takes seconds for a model that needs milliseconds.
 */
export async function startLlama(library: LlamaLibrary): Promise<Llama> {
  return library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    logLevel: 'disabled',
    logger: () => undefined,
    maxThreads: 1,
  })
}

const PATIENCE_MS = 2000

/** A model that was refused can leave a lock behind, on which its end would wait for ever (node-llama-cpp 3.22.1). */
export async function endLlama(llama: Llama): Promise<void> {
  await Promise.race([llama.dispose(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())])
}

export interface OpenLlamaOptions {
  readonly path: string
  readonly vocabSize: number
  /** Longest text that will be asked. */
  readonly contextSize: number
  /** Whether the file holds a tokenizer that should be compared. */
  readonly tokenizer: boolean
}

/** @throws PalignError `engine-failed` where llama.cpp does not load the file */
export async function openInLlama(
  llama: Llama,
  { path, vocabSize, contextSize, tokenizer }: OpenLlamaOptions,
): Promise<OpenedExport> {
  const program = `llama.cpp ${llama.llamaCppRelease.release} (node-llama-cpp)`
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 }).catch((cause: Error) => {
    throw new PalignError('engine-failed', `file ${path} is not loaded by ${program}: ${cause.message}`, {
      cause,
      hint: 'the architecture may have no place for this bias; see the table of docs/formats.md',
    })
  })
  // Of float32, so that what is compared is the file: the usual cache of float16 alone moves answers by a total variation of up to .003.
  const cache = { experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' }
  const context = await model.createContext({ contextSize, batchSize: contextSize, flashAttention: false, ...cache })
  const sequence = context.getSequence()
  return {
    program,
    async distributions(probes): Promise<Distributions> {
      const all: Float64Array[][] = []
      for (const probe of probes) all.push(await distribute(sequence, probe, vocabSize))
      return all
    },
    ...(tokenizer && { encode: (text: string) => withBos(model, model.tokenize(text)) }),
    async dispose() {
      await context.dispose()
      await model.dispose()
    },
  }
}

/** A file opened in a llama.cpp of its own, as the programs of an export target. */
export async function openLlamaExport(options: OpenLlamaOptions): Promise<OpenedExports> {
  const library = await loadLlama()
  const llama = library && (await startLlama(library).catch(() => undefined))
  if (llama === undefined) {
    return { opened: [], missing: ['node-llama-cpp is not installed or does not run here: npm install node-llama-cpp'] }
  }
  try {
    const opened = await openInLlama(llama, options)
    const dispose = async () => {
      await opened.dispose()
      await endLlama(llama)
    }
    return { opened: [{ ...opened, dispose }], missing: [] }
  } catch (error) {
    await endLlama(llama)
    throw error
  }
}

function withBos({ tokens }: LlamaModel, ids: readonly number[]): readonly number[] {
  return tokens.shouldPrependBosToken && tokens.bos !== null ? [tokens.bos, ...ids] : ids
}

async function distribute(sequence: LlamaSequence, { tokens, places }: Probe, vocabSize: number): Promise<Float64Array[]> {
  await sequence.clearHistory()
  const asked = new Set(places)
  const input = tokens.map((token, i) => (asked.has(i) ? ([token, { generateNext: { probabilities: true } }] as const) : token))
  const evaluated = await sequence.controlledEvaluate(input)
  return places.map((place) => {
    const probabilities = evaluated[place]?.next.probabilities
    if (probabilities === undefined || probabilities.size !== vocabSize) {
      throw new PalignError('engine-failed', `llama.cpp gives ${probabilities?.size ?? 0} probabilities, expected ${vocabSize}`)
    }
    const values = new Float64Array(vocabSize).fill(Number.NEGATIVE_INFINITY)
    for (const [token, probability] of probabilities) values[token] = Math.log(probability)
    return values
  })
}
