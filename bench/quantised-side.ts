/**
 * @file One engine of the bench of quantised models, in a process of its own that answers JSON lines: `{"prompt": tokens, "tokens": n}` gives seconds for the prompt, and per generated
 * token after the first. Usage: tsx bench/quantised-side.ts palign|llama|transformers PATH THREADS
 */
import { basename, dirname } from 'node:path'
import { createInterface } from 'node:readline'

export interface SideRequest {
  readonly prompt: readonly number[]
  readonly tokens: number
}

export interface SideTimes {
  readonly prefillSeconds: number
  readonly secondsPerToken: number
}

export interface SideReady {
  readonly loadSeconds: number
  readonly version: string
}

type Engine = (request: SideRequest) => Promise<SideTimes>

const seconds = (from: number) => (performance.now() - from) / 1000

async function openPalign(path: string, threads: number): Promise<Engine> {
  const { loadModel } = await import('palign')
  const model = await loadModel(path, { threads })
  return async ({ prompt, tokens }) => {
    const begun = performance.now()
    let [first, count] = [0, 0]
    for await (const event of model.generate({ tokens: prompt, maxTokens: tokens })) {
      if (event.kind !== 'token') continue
      if (count++ === 0) first = performance.now()
    }
    if (count !== tokens) throw new Error(`palign wrote ${count} tokens, expected ${tokens}`)
    return { prefillSeconds: (first - begun) / 1000, secondsPerToken: seconds(first) / (count - 1) }
  }
}

async function openLlama(path: string, threads: number): Promise<Engine> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  })
  const model = await llama.loadModel({ modelPath: path })
  const context = await model.createContext({ contextSize: 2048, threads })
  const sequence = context.getSequence()
  return async ({ prompt, tokens }) => {
    await sequence.clearHistory()
    const begun = performance.now()
    let [first, count] = [0, 0]
    const ids = [...prompt] as Parameters<typeof sequence.evaluate>[0]
    for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      if (count++ === 0) first = performance.now()
      if (count === tokens) break
    }
    return { prefillSeconds: (first - begun) / 1000, secondsPerToken: seconds(first) / (count - 1) }
  }
}

async function openTransformers(path: string, threads: number): Promise<Engine> {
  const { AutoModelForCausalLM, env, Tensor } = await import('@huggingface/transformers')
  env.allowRemoteModels = false
  env.localModelPath = dirname(path)
  const session_options = { intraOpNumThreads: threads, logSeverityLevel: 3 as const }
  const model = await AutoModelForCausalLM.from_pretrained(basename(path), { dtype: 'fp32', device: 'cpu', session_options })
  const run = async (prompt: readonly number[], tokens: number) => {
    const ids = new Tensor('int64', BigInt64Array.from(prompt, BigInt), [1, prompt.length])
    const attention_mask = new Tensor('int64', new BigInt64Array(prompt.length).fill(1n), [1, prompt.length])
    const begun = performance.now()
    // What a vocabulary without meaning calls the end is no end here.
    await model.generate({
      inputs: ids,
      attention_mask,
      max_new_tokens: tokens,
      min_new_tokens: tokens,
      do_sample: false,
    } as never)
    return seconds(begun)
  }
  return async ({ prompt, tokens }) => {
    const prefillSeconds = await run(prompt, 1)
    return { prefillSeconds, secondsPerToken: ((await run(prompt, tokens)) - prefillSeconds) / (tokens - 1) }
  }
}

const VERSIONS = { palign: 'palign', llama: 'node-llama-cpp', transformers: '@huggingface/transformers' } as const
const OPEN = { palign: openPalign, llama: openLlama, transformers: openTransformers } as const

async function versionOf(name: keyof typeof VERSIONS): Promise<string> {
  const { readFileSync } = await import('node:fs')
  const path = name === 'palign' ? 'package.json' : `node_modules/${VERSIONS[name]}/package.json`
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

const [name, path, threads] = process.argv.slice(2) as [keyof typeof OPEN, string, string]
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
const begun = performance.now()
const engine = await OPEN[name](path, Number(threads))
say({ loadSeconds: seconds(begun), version: await versionOf(name) } satisfies SideReady)
for await (const line of createInterface({ input: process.stdin })) say(await engine(JSON.parse(line) as SideRequest))
process.exit(0)
