/**
 * @file Calls into a worker thread: requests with an answer, a stream of events on the way, and cancellation.
 * onnxruntime-node blocks its thread for each run but returns to the event loop between runs, so that a cancel message arrives.
 */
import type { MessagePort, Worker } from 'node:worker_threads'
import { PalignError, type PalignErrorCode } from '../errors.ts'

export interface CallContext {
  readonly signal: AbortSignal
  emit(event: unknown): void
}

export type Handler = (argument: never, context: CallContext) => Promise<unknown>

type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly argument: unknown }
  | { readonly kind: 'cancel'; readonly id: number }

type FromWorker =
  | { readonly kind: 'event'; readonly id: number; readonly event: unknown }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'error'
      readonly id: number
      readonly code: PalignErrorCode
      readonly message: string
      readonly hint: string | undefined
    }

/** Worker side: answers calls with the handlers, in parallel as far as they await. */
export function answerCalls(port: MessagePort, handlers: Readonly<Record<string, Handler>>): void {
  const running = new Map<number, AbortController>()
  // Replies of one turn travel together: a step of many texts gives an event for each of them.
  let outbox: FromWorker[] = []
  const send = (reply: FromWorker) => {
    if (outbox.length === 0) {
      process.nextTick(() => {
        port.postMessage(outbox)
        outbox = []
      })
    }
    outbox.push(reply)
  }
  port.on('message', async (message: ToWorker) => {
    if (message.kind === 'cancel') {
      running.get(message.id)?.abort()
      return
    }
    const { id, method, argument } = message
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const handler = handlers[method]
      if (handler === undefined) throw new PalignError('engine-failed', `worker has no method ${method}`)
      const emit = (event: unknown) => send({ kind: 'event', id, event })
      send({ kind: 'result', id, value: await handler(argument as never, { signal: controller.signal, emit }) })
    } catch (error) {
      const known =
        error instanceof PalignError ? error : new PalignError('engine-failed', `engine failed: ${(error as Error).message}`)
      send({ kind: 'error', id, code: known.code, message: known.message, hint: known.hint })
    } finally {
      running.delete(id)
    }
  })
}

export interface WorkerClient {
  call<T>(
    method: string,
    argument: unknown,
    options?: { signal?: AbortSignal | undefined; onEvent?: (event: never) => void },
  ): Promise<T>
  /** Whether its worker has ended: every call fails. */
  isDead(): boolean
  /** Ends the worker; calls in flight fail. */
  dispose(): Promise<void>
}

interface Pending {
  resolve(value: unknown): void
  reject(error: PalignError): void
  onEvent(event: unknown): void
}

/** Caller side. A worker that dies fails every call in flight and every later one. */
export function workerClient(worker: Worker): WorkerClient {
  const pending = new Map<number, Pending>()
  let nextId = 0
  let dead: PalignError | undefined

  const fail = (error: PalignError) => {
    dead ??= error
    for (const call of pending.values()) call.reject(dead)
    pending.clear()
    worker.unref()
  }
  worker.on('error', (cause) => fail(new PalignError('engine-failed', `engine worker crashed: ${cause.message}`, { cause })))
  worker.on('exit', (code) =>
    fail(new PalignError('engine-failed', `engine worker ended with code ${code}`, { hint: 'try again' })),
  )
  const receive = (message: FromWorker) => {
    const call = pending.get(message.id)
    if (call === undefined) return
    if (message.kind === 'event') {
      call.onEvent(message.event)
      return
    }
    pending.delete(message.id)
    if (pending.size === 0) worker.unref()
    if (message.kind === 'result') call.resolve(message.value)
    else call.reject(new PalignError(message.code, message.message, message.hint === undefined ? {} : { hint: message.hint }))
  }
  worker.on('message', (messages: readonly FromWorker[]) => messages.forEach(receive))
  // A program that has nothing left to wait for may end although a model is loaded.
  worker.unref()

  return {
    call(method, argument, { signal, onEvent = () => undefined } = {}) {
      if (dead !== undefined) return Promise.reject(dead)
      if (signal?.aborted) return Promise.reject(new PalignError('aborted', `${method} was aborted before it began`))
      const id = nextId++
      worker.ref()
      return new Promise((resolve, reject) => {
        const cancel = () => worker.postMessage({ kind: 'cancel', id } satisfies ToWorker)
        const settle =
          <V>(act: (value: V) => void) =>
          (value: V) => {
            signal?.removeEventListener('abort', cancel)
            act(value)
          }
        signal?.addEventListener('abort', cancel, { once: true })
        pending.set(id, {
          resolve: settle(resolve as (value: unknown) => void),
          reject: settle(reject),
          onEvent: onEvent as (event: unknown) => void,
        })
        worker.postMessage({ kind: 'call', id, method, argument } satisfies ToWorker)
      })
    },
    isDead: () => dead !== undefined,
    async dispose() {
      dead = new PalignError('invalid-input', 'model was disposed', { hint: 'load the model again' })
      await worker.terminate()
    },
  }
}
