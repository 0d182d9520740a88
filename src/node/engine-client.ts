/**
 * @file The engine's thread as its callers see it: a thread that ended fails the calls in flight, and the next call finds a new one. Nothing of an
 * answer that was begun is taken for the whole.
 */
import type { Worker } from 'node:worker_threads'
import { PalignError } from '../errors.ts'
import { adapterSender } from './adapter-transfer.ts'
import type { OpenedModel } from './load-model.ts'
import { type WorkerClient, workerClient } from './worker-calls.ts'

/** Longer than any pass of a model that is of use. */
const PATIENCE_MS = 10_000

export interface EngineSession {
  readonly client: WorkerClient
  /** Steering as it travels to this thread, which knows only the adapters that were sent to it. */
  readonly send: ReturnType<typeof adapterSender>
}

export interface EngineClient {
  readonly opened: OpenedModel
  /** The thread that calls go to: the same for as long as it lives. @throws PalignError as opening the model does */
  session(): Promise<EngineSession>
  dispose(): Promise<void>
}

export interface EngineClientOptions {
  readonly startWorker: () => Worker
  /** Argument of the call `open`, with which every thread begins. */
  readonly open: object
  /** Told when a thread is started in place of one that ended. */
  readonly onRestart?: (() => void) | undefined
}

/** @throws PalignError as opening the model does */
export async function engineClient({ startWorker, open, onRestart }: EngineClientOptions): Promise<EngineClient> {
  const start = async () => {
    const client = workerClient(startWorker())
    try {
      return { client, send: adapterSender(client), opened: await client.call<OpenedModel>('open', open) }
    } catch (error) {
      await client.dispose()
      throw error
    }
  }
  let current = await start()
  const { opened } = current
  let starting: Promise<void> | undefined
  let isDisposed = false

  async function restart(): Promise<void> {
    onRestart?.()
    const next = await start()
    // Personas belong to one model: they must not meet another under its name.
    if (next.opened.fingerprint !== opened.fingerprint || isDisposed) {
      await next.client.dispose()
      throw new PalignError('engine-failed', 'files of the model changed while it was in use', { hint: 'load the model again' })
    }
    current = next
  }

  return {
    opened,
    async session() {
      if (current.client.isDead() && !isDisposed) {
        starting ??= restart().finally(() => {
          starting = undefined
        })
        await starting
      }
      return current
    },
    async dispose() {
      isDisposed = true
      // A thread that is ended within a native call can take the process with it: it gets the time to finish one.
      const { client } = current
      const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
      await Promise.race([client.call('dispose', undefined).catch(() => undefined), late])
      await client.dispose()
    },
  }
}
