/**
 * @file Models of 4 bits: palign beside llama.cpp on the same GGUF file, and beside transformers.js on the same ONNX file. Every engine has a process of its own; they take
 * turns, the order changing every round.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { modelShape } from '../src/graph/llama-config.ts'
import { median } from '../src/math/statistics.ts'
import { zeroDisplacement } from '../src/model/displacement.ts'
import { onnxTarget } from '../src/node/export-onnx.ts'
import { readModelFolder } from '../src/node/model-folder.ts'
import { modelFolderOf } from '../src/node/model-source.ts'
import { VOCABULARY, writeQuantisedModel } from './quantised-model.ts'
import type { SideReady, SideRequest, SideTimes } from './quantised-side.ts'

const ROUNDS = 9
const PROMPT_TOKENS = 256
const TOKENS = 48
/** Threads of llama.cpp wait for each other by spinning: where something else wants a core, two can be slower than one. */
const THREADS = [1, 2] as const

export interface EngineNumbers {
  readonly version: string
  readonly loadSeconds: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** Highest resident memory, mapped files included. */
  readonly peakMb: number
}

export interface PeerResult {
  readonly threads: number
  readonly palign: EngineNumbers
  readonly peer: EngineNumbers
  /** Tokens per second of palign over the peer's; medians over rounds. */
  readonly prefillRatio: number
  readonly decodeRatio: number
  readonly prefillPerRound: readonly number[]
  readonly decodePerRound: readonly number[]
}

export interface QuantisedResult {
  readonly promptTokens: number
  readonly generatedTokens: number
  /** Seconds of the first load of the GGUF file, which makes a folder of it once. */
  readonly importSeconds: number
  /** llama.cpp on the same GGUF file. */
  readonly llama: readonly PeerResult[]
  /** transformers.js on the same ONNX file. */
  readonly transformers: readonly PeerResult[]
}

export async function benchQuantised(): Promise<QuantisedResult> {
  const folder = mkdtempSync(join(tmpdir(), 'palign-bench-'))
  try {
    const path = join(folder, 'model-q4_0.gguf')
    writeQuantisedModel(path)
    const first = await openSide('palign', { path, folder, threads: 1 })
    await first.close()
    const onnx = await writeOnnx(path, folder)
    const [llama, transformers]: [PeerResult[], PeerResult[]] = [[], []]
    for (const threads of THREADS) {
      llama.push(await comparePeers({ path, folder, threads, peer: 'llama' }))
      transformers.push(await comparePeers({ path: onnx, folder, threads, peer: 'transformers' }))
    }
    const importSeconds = first.ready.loadSeconds
    return { promptTokens: PROMPT_TOKENS, generatedTokens: TOKENS, importSeconds, llama, transformers }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

type SideName = 'palign' | 'llama' | 'transformers'

/** The folder that `palign export --to onnx` writes, without a persona. */
async function writeOnnx(path: string, folder: string): Promise<string> {
  process.env.PALIGN_CACHE = join(folder, 'cache')
  const model = await modelFolderOf(path)
  const target = await onnxTarget({ folder: model, as: 'baked', provenance: {} })
  const { config } = await readModelFolder(model)
  const out = join(folder, 'onnx-model')
  await target.write(out, zeroDisplacement(modelShape(config)))
  return out
}

interface Opening {
  readonly path: string
  readonly folder: string
  readonly threads: number
}

async function comparePeers({ peer, ...opening }: Opening & { readonly peer: SideName }): Promise<PeerResult> {
  const { threads } = opening
  const ours = await openSide('palign', opening)
  const theirs = await openSide(peer, opening)
  const times = { ours: [] as SideTimes[], theirs: [] as SideTimes[] }
  for (let round = -1; round < ROUNDS; round++) {
    const request = { prompt: promptOf(round), tokens: TOKENS }
    const turns = [async () => times.ours.push(await ours.run(request)), async () => times.theirs.push(await theirs.run(request))]
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn()
    // The first is not counted: pages are touched and threads started.
    if (round < 0) times.ours.length = times.theirs.length = 0
  }
  const numbers = (side: Side, of: readonly SideTimes[]): EngineNumbers => ({
    ...side.ready,
    prefillTokensPerSecond: PROMPT_TOKENS / median(of.map(({ prefillSeconds }) => prefillSeconds)),
    decodeTokensPerSecond: 1 / median(of.map(({ secondsPerToken }) => secondsPerToken)),
    peakMb: side.peakMb(),
  })
  const ratios = (value: (one: SideTimes) => number) => times.ours.map((one, i) => value(times.theirs[i]!) / value(one))
  const prefillPerRound = ratios(({ prefillSeconds }) => prefillSeconds)
  const decodePerRound = ratios(({ secondsPerToken }) => secondsPerToken)
  const result = {
    threads,
    palign: numbers(ours, times.ours),
    peer: numbers(theirs, times.theirs),
    prefillRatio: median(prefillPerRound),
    decodeRatio: median(decodePerRound),
    prefillPerRound,
    decodePerRound,
  }
  await ours.close()
  await theirs.close()
  return result
}

/** Another one every round, so that nothing that was kept helps. */
function promptOf(round: number): number[] {
  return Array.from({ length: PROMPT_TOKENS }, (_, i) => 300 + (((i + 1) * 7919 + (round + 2) * 104_729) % (VOCABULARY - 300)))
}

interface Side {
  readonly ready: SideReady
  run(request: SideRequest): Promise<SideTimes>
  peakMb(): number
  close(): Promise<void>
}

async function openSide(name: SideName, { path, folder, threads }: Opening): Promise<Side> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', 'bench/quantised-side.ts', name, path, String(threads)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PALIGN_CACHE: join(folder, 'cache') },
    },
  )
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const next = async <T>(): Promise<T> => {
    const line = await lines.next()
    if (line.done) throw new Error(`${name} ended before it answered`)
    return JSON.parse(line.value as string) as T
  }
  return {
    ready: await next<SideReady>(),
    async run(request) {
      child.stdin!.write(`${JSON.stringify(request)}\n`)
      return next<SideTimes>()
    },
    peakMb: () => Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024),
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.stdin!.end()
      await ended
    },
  }
}
