/**
 * @file onnxruntime-node over weight files where they lie. ONNX Runtime reads external data only from the folder of the graph, and
 * refuses links that leave it: so the graph is written to a temporary folder that holds hard links to the weights. Where hard links
 * are not possible (another file system), the weights are read into memory and handed over with the graph.
 */
import { link, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Runtime } from '../engine/open-engine.ts'
import type { TrainingRuntime } from '../train/training-sessions.ts'
import type { Device } from './device-names.ts'
import { sessionOptionsOf } from './devices.ts'
import { openFile } from './read-file.ts'

export interface OrtRuntimeOptions {
  readonly folder: string
  /** Names of the weight files in the folder; those of others' ONNX models may lie in folders below it. */
  readonly files: readonly string[]
  readonly threads?: number | undefined
  /** Default: the CPU. Graphs for others are plain ones. */
  readonly device?: Device | undefined
}

const LOG_ERRORS_ONLY = 3

/** Weights stay mapped instead of being packed into copies: many rows in one pass make up for packing them each time. */
const UNPACKED = { session: { disable_prepacking: '1' } }

/** The runtime for training graphs: no plan of the whole memory is kept. */
export function trainingRuntime(options: OrtRuntimeOptions): TrainingRuntime {
  const { Tensor, createSession } = ortRuntime(options, {
    enableMemPattern: false,
    extra: UNPACKED,
  })
  return { Tensor, createSession: (graph) => createSession(graph, 'decode') }
}

export function ortRuntime(
  { folder, files, threads, device = 'cpu' }: OrtRuntimeOptions,
  sessionOptions: InferenceSession.SessionOptions = {},
): Runtime {
  const options: InferenceSession.SessionOptions = {
    ...sessionOptionsOf(device),
    logSeverityLevel: LOG_ERRORS_ONLY,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...sessionOptions,
  }
  return {
    Tensor,
    async createSession(graph, variant, { mayMap = false } = {}) {
      const created = variant === 'rows' && mayMap ? { ...options, extra: UNPACKED } : options
      const beside = await mkdtemp(join(tmpdir(), 'palign-'))
      try {
        if (await linkAll(folder, files, beside)) {
          const path = join(beside, freeName(files))
          // Never over a link: that would be over the model.
          await writeFile(path, graph, { flag: 'wx' })
          return await InferenceSession.create(path, created)
        }
        const externalData = await Promise.all(
          files.map(async (name) => ({ path: name, data: await readWhole(join(folder, name)) })),
        )
        return await InferenceSession.create(graph, { ...created, externalData })
      } finally {
        // The session holds the mapped files; their names are not needed any more.
        await rm(beside, { recursive: true, force: true })
      }
    },
  }
}

/** A name for the graph that no weight file has, on file systems that know no upper case too. */
function freeName(files: readonly string[]): string {
  const taken = new Set(files.map((name) => name.toLowerCase()))
  let name = 'graph.onnx'
  while (taken.has(name)) name = `_${name}`
  return name
}

async function linkAll(folder: string, files: readonly string[], target: string): Promise<boolean> {
  try {
    for (const name of files) {
      await mkdir(dirname(join(target, name)), { recursive: true })
      await link(await realpath(join(folder, name)), join(target, name))
    }
    return true
  } catch {
    return false
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  const file = await openFile(path)
  try {
    return await file.slice(0, file.byteLength)
  } finally {
    await file.close()
  }
}
