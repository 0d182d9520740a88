/**
 * @file Reads many damaged files: each must be read, or refused with an error of ours, in time and without taking memory; what is read must be written back byte for byte.
 */
import { PalignError } from '../../src/errors.ts'
import { seededRandom } from '../../src/math/random.ts'
import { mutated } from './mutate.ts'

export interface FuzzTarget {
  /** Small whole files, of which mutants are made. */
  readonly files: readonly Uint8Array[]
  /** Reads; gives the file written again where the format promises that it is the same. */
  readonly read: (bytes: Uint8Array) => Promise<Uint8Array | undefined>
}

export interface FuzzResult {
  readonly inputs: number
  /** Mutants that were whole files all the same. */
  readonly read: number
  readonly refused: number
  readonly slowestMs: number
  /** Growth of what the process holds, the most of samples after every `SAMPLE` inputs, and after slow ones. */
  readonly mostExtraMb: number
}

const MOST_MS = 100
const MOST_MB = 64
const SAMPLE = 1000

const held = () => {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return (heapUsed + external + arrayBuffers) / 2 ** 20
}

export interface FuzzOptions {
  readonly inputs: number
  readonly seed: number
  readonly onProgress?: (done: number) => void
}

/** @throws Error with the input in base64 for what is neither read nor refused, is slow three times, or comes back changed */
export async function fuzz({ files, read }: FuzzTarget, { inputs, seed, onProgress }: FuzzOptions): Promise<FuzzResult> {
  const random = seededRandom(seed)
  let [whole, refused, slowestMs, mostExtraMb] = [0, 0, 0, 0]
  const before = held()
  for (let i = 0; i < inputs; i++) {
    const bytes = mutated(files[i % files.length]!, random)
    const outcome = await timed(read, bytes)
    slowestMs = Math.max(slowestMs, outcome.ms)
    if (outcome.isRead) whole++
    else refused++
    if (i % SAMPLE === 0) {
      mostExtraMb = Math.max(mostExtraMb, held() - before)
      onProgress?.(i)
    }
  }
  if (mostExtraMb > MOST_MB && globalThis.gc !== undefined) {
    globalThis.gc()
    if (held() - before > MOST_MB) throw new Error(`reading took ${Math.round(mostExtraMb)} MB and did not give them back`)
  }
  return { inputs, read: whole, refused, slowestMs, mostExtraMb }
}

/** A busy machine makes anything slow once: the time is the least of three. */
async function timed(read: FuzzTarget['read'], bytes: Uint8Array): Promise<{ readonly isRead: boolean; readonly ms: number }> {
  let [ms, isRead] = [Number.POSITIVE_INFINITY, false]
  for (let i = 0; i < 3 && ms > MOST_MS; i++) {
    const [began, memory] = [performance.now(), held()]
    isRead = await tried(read, bytes)
    ms = Math.min(ms, performance.now() - began)
    if (held() - memory > MOST_MB) throw new Error(`one input took ${Math.round(held() - memory)} MB: ${shown(bytes)}`)
  }
  if (ms > MOST_MS) throw new Error(`one input took ${Math.round(ms)} ms: ${shown(bytes)}`)
  return { isRead, ms }
}

async function tried(read: FuzzTarget['read'], bytes: Uint8Array): Promise<boolean> {
  let again: Uint8Array | undefined
  try {
    again = await read(bytes)
  } catch (error) {
    if (error instanceof PalignError && error.message.length < 2000) return false
    throw new Error(`reader failed with ${String(error).slice(0, 500)} on ${shown(bytes)}`, { cause: error })
  }
  if (again !== undefined && Buffer.compare(again, bytes) !== 0) throw new Error(`came back changed: ${shown(bytes)}`)
  return true
}

const shown = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').slice(0, 4000)
