/** @file One side of the training bench: a child process that answers JSON lines, and what the system says of its memory. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LinearLayer } from '../src/model/adapter.ts'
import type { PreferencePair } from '../src/model/trainer.ts'

export type BenchBatch =
  | { readonly kind: 'likelihood'; readonly rows: readonly (readonly number[])[] }
  | { readonly kind: 'preference'; readonly beta: number; readonly pairs: readonly PreferencePair[] }

export interface BenchAdapter {
  readonly rank: number
  readonly alpha: number
  readonly targets: readonly LinearLayer[]
  /** Where our side writes the adapter's first values, for the other side to read. */
  readonly file: string
  /** Ours only. */
  readonly checkpointing: boolean
}

export interface OpenRequest {
  readonly folder: string
  readonly adapter: BenchAdapter | null
  readonly optimiser: { readonly learningRate: number; readonly weightDecay: number; readonly clipNorm: number }
  readonly threads: number
}

export interface Opened {
  /** How many are trained. */
  readonly parameters: number
  /** Torch only: its version, and what OpenBLAS says of itself, null where it is not the one that torch uses. */
  readonly torch?: string | undefined
  readonly blas?: string | null | undefined
}

export interface Steps {
  readonly losses: readonly number[]
  readonly gradientNorms: readonly number[]
  readonly seconds: number
  readonly processorSeconds: number
}

export interface Memory {
  /** Highest resident memory, mapped files included. */
  readonly peakMb: number
  /** Highest resident memory that belongs to no file, of samples every 20 ms. */
  readonly peakAnonymousMb: number
}

export interface Side {
  open(request: OpenRequest): Promise<Opened>
  /** Torch only: the gradient of one batch, nothing is updated. */
  gradient(batch: BenchBatch): Promise<{ readonly loss: number; readonly norms: Readonly<Record<string, number>> }>
  /** `count` steps on the same batch. */
  step(batch: BenchBatch, count: number): Promise<Steps>
  memory(): Memory
  close(): Promise<void>
}

export function ourSide(): Side {
  return side(process.execPath, [fileURLToPath(new URL('./training-side.mjs', import.meta.url))])
}

/**
 * Undefined where no Python with torch is found; PALIGN_BENCH_PYTHON names the one to use. torch bounds its own threads only: OpenBLAS has
 * others, on all cores if it is not told, and the two kinds take processor time from each other while they spin.
 */
export function torchSide(threads: number): Side | undefined {
  const named = process.env.PALIGN_BENCH_PYTHON
  const python = (named === undefined ? ['/usr/bin/python3', 'python3'] : [named]).find(hasTorch)
  if (python === undefined) return undefined
  return side(python, [fileURLToPath(new URL('./torch/llama.py', import.meta.url))], {
    OPENBLAS_CORETYPE: kernels(),
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_WAIT_POLICY: 'PASSIVE',
  })
}

/** OpenBLAS of 2022 falls back to kernels of 2004 on processors newer than itself: the newest it has for these instructions. */
function kernels(): string | undefined {
  if (process.env.OPENBLAS_CORETYPE !== undefined) return process.env.OPENBLAS_CORETYPE
  const flags = new Set(readText('/proc/cpuinfo').split(/\s+/))
  const newest = [
    ['avx512_bf16', 'Cooperlake'],
    ['avx512f', 'SkylakeX'],
    ['avx2', 'Haswell'],
  ] as const
  return newest.find(([flag]) => flags.has(flag))?.[1]
}

function hasTorch(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const SAMPLE_MILLISECONDS = 20

function side(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Side {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...environment } })
  const ask = lineClient(child, command)
  let peakAnonymousMb = 0
  const sample = () => {
    peakAnonymousMb = Math.max(peakAnonymousMb, statusMb(child, 'RssAnon'))
  }
  const sampler = setInterval(sample, SAMPLE_MILLISECONDS)
  return {
    open: (request) => ask({ do: 'open', ...request }),
    gradient: (batch) => ask({ do: 'gradient', batch }),
    step: (batch, count) => ask({ do: 'step', batch, count }),
    memory() {
      sample()
      return { peakMb: statusMb(child, 'VmHWM'), peakAnonymousMb }
    },
    async close() {
      clearInterval(sampler)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.stdin.end()
      await ended
    },
  }
}

/** One request at a time; fails where the process ends before it has answered. */
function lineClient(child: ChildProcess, name: string) {
  const lines = createInterface({ input: child.stdout! })
  return <T>(request: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const onEnd = (code: number | null) => reject(new Error(`${name} ended with ${code} before it answered`))
      child.once('exit', onEnd)
      lines.once('line', (line) => {
        child.off('exit', onEnd)
        resolve(JSON.parse(line))
      })
      child.stdin!.write(`${JSON.stringify(request)}\n`)
    })
}

/** A field of /proc/PID/status in MB of 2^20; not a number where the system has none. */
function statusMb({ pid }: ChildProcess, field: 'VmHWM' | 'RssAnon'): number {
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readText(`/proc/${pid}/status`))?.[1]) / 1024
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
