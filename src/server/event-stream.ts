/**
 * @file Server-sent events of an answer under way. A failure after the first byte is an event of its own, and where not even that can be sent the
 * connection is cut: no client may take half an answer for a whole one. Computed no faster than it is read.
 */
import type { Context } from 'hono'
import { isFailure, problemBody, problemOf } from './problems.ts'
import type { StreamEnd } from './request-record.ts'
import type { Services, Work } from './work.ts'

export interface SendAnswerOptions {
  readonly isStream: boolean
  /** Ends only after every choice has had its reason. */
  readonly chunks: () => AsyncGenerator<object>
  readonly whole: () => Promise<object>
  readonly work: Work
  readonly services: Pick<Services, 'times' | 'onFailure'>
}

/** The answer, as a stream or whole; the work has ended when it has, or when it failed. */
export async function sendAnswer(c: Context, options: SendAnswerOptions): Promise<Response> {
  const { isStream, chunks, whole, work, services } = options
  try {
    if (isStream) return await streamAnswer(c, chunks(), work, services)
    const answer = await whole()
    work.end()
    return c.json(answer)
  } catch (error) {
    work.end()
    throw work.failureOf(error)
  }
}

/**
 * The first chunk is computed before the status goes out, so that what fails until then is a plain error.
 * @param chunks ends only after every choice has had its reason
 */
export async function streamAnswer(
  c: Context,
  chunks: AsyncGenerator<object>,
  work: Work,
  services: Pick<Services, 'times' | 'onFailure'>,
): Promise<Response> {
  const first = await chunks.next()
  const outgoing = (c.env as { outgoing?: { destroy(): void } } | undefined)?.outgoing
  const cut = outgoing && (() => outgoing.destroy())
  const { body, end } = eventStream({ first, chunks, work, cut, times: services.times, onFailure: services.onFailure })
  c.get('record').stream = end
  return c.body(body, 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
}

export interface EventStreamOptions extends Pick<Services, 'times' | 'onFailure'> {
  readonly first: IteratorResult<object>
  readonly chunks: AsyncGenerator<object>
  readonly work: Work
  /** Destroys the connection, where there is one: an error of the stream alone would be logged by the adapter and could end it cleanly. */
  readonly cut: (() => void) | undefined
}

interface EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** How it ended; everything has been given back by then. */
  readonly end: Promise<StreamEnd>
}

export function eventStream({ first, chunks, work, cut, times, onFailure }: EventStreamOptions): EventStream {
  const encoder = new TextEncoder()
  const event = (data: unknown) => encoder.encode(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  let tell = (_: StreamEnd) => {}
  const end = new Promise<StreamEnd>((resolve) => {
    tell = resolve
  })
  let upcoming: IteratorResult<object> | undefined = first
  let ping: NodeJS.Timeout | undefined
  let idle: NodeJS.Timeout | undefined
  const finish = (how: StreamEnd) => {
    clearInterval(ping)
    clearTimeout(idle)
    work.end()
    // Not awaited: what it waits for may end only after the abort.
    void chunks.return(undefined).catch(() => undefined)
    tell(how)
  }
  const breakOff = (controller: ReadableStreamDefaultController<Uint8Array>, reason: string) =>
    cut === undefined ? controller.error(new Error(reason)) : cut()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(idle)
        ping = setInterval(() => controller.enqueue(encoder.encode(': ping\n\n')), times.pingMs)
        try {
          const { done, value } = upcoming ?? (await chunks.next())
          upcoming = undefined
          clearInterval(ping)
          controller.enqueue(event(done ? '[DONE]' : value))
          if (done) {
            finish('done')
            controller.close()
            return
          }
        } catch (caught) {
          clearInterval(ping)
          const error = work.failureOf(caught)
          if (isFailure(error)) onFailure(error)
          finish('failed')
          try {
            controller.enqueue(event(problemBody(problemOf(error))))
            controller.enqueue(event('[DONE]'))
            controller.close()
          } catch {
            breakOff(controller, 'stream could not be ended')
          }
          return
        }
        idle = setTimeout(() => {
          finish('aborted')
          breakOff(controller, 'nobody reads the stream')
        }, times.idleMs)
      },
      cancel() {
        finish('aborted')
      },
    },
    // One chunk ahead of its reader, no more.
    { highWaterMark: 1 },
  )
  return { body, end }
}
