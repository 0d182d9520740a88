/**
 * @file Models of 4 bits: palign beside llama.cpp on the same GGUF file, and beside transformers.js on the same ONNX file. Every engine has a process of its own; they take
 * turns, the order changing every round.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { median } from '../src/math/statistics.ts'
import { VOCABULARY, writeQuantisedModel } from './quantised-model.ts'
import type { SideReady, SideRequest, SideTimes } from './quantised-side.ts'

const ROUNDS = 9
const PROMPT_TOKENS = 256
const TOKENS = 48
const THREADS = 2

export interface EngineNumbers {
  readonly version: string
  readonly loadSeconds: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** Highest resident memory, mapped files included. */
  readonly peakMb: number
}

export interface PeerResult {
  readonly palign: EngineNumbers
  readonly peer: EngineNumbers
  /** Tokens per second of palign over the peer's; medians over rounds. */
  readonly prefillRatio: number
  readonly decodeRatio: number
  readonly prefillPerRound: readonly number[]
  readonly decodePerRound: readonly number[]
}

export interface QuantisedResult {
  readonly threads: number
  readonly promptTokens: number
  readonly generatedTokens: number
  /** Seconds of the first load of the GGUF file, which makes a folder of it once. */
  readonly importSeconds: number
  readonly llama: PeerResult
}

export async function benchQuantised(): Promise<QuantisedResult> {
  const folder = mkdtempSync(join(tmpdir(), 'palign-bench-'))
  try {
    const path = join(folder, 'model-q4_0.gguf')
    writeQuantisedModel(path)
    const first = await openSide('palign', path, folder)
    await first.close()
    const llama = await comparePeers({ path, folder, peer: 'llama' })
    return {
      threads: THREADS,
      promptTokens: PROMPT_TOKENS,
      generatedTokens: TOKENS,
      importSeconds: first.ready.loadSeconds,
      llama,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

type SideName = 'palign' | 'llama' | 'transformers'

async function comparePeers({ path, folder, peer }: { path: string; folder: string; peer: SideName }): Promise<PeerResult> {
  const ours = await openSide('palign', path, folder)
  const theirs = await openSide(peer, path, folder)
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

async function openSide(name: SideName, path: string, cache: string): Promise<Side> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', 'bench/quantised-side.ts', name, path, String(THREADS)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PALIGN_CACHE: join(cache, 'cache') },
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
