/** @file How many requests are computed at once and how many wait; more are refused at once, so that nobody waits for nothing. */
import { refusal } from './problems.ts'

export interface AdmissionOptions {
  readonly running: number
  readonly waiting: number
}

export interface EnterOptions {
  readonly signal?: AbortSignal | undefined
  /** Personas of the request, for whoever looks at the load. */
  readonly personas?: readonly string[] | undefined
}

export interface Load {
  readonly running: number
  readonly waiting: number
  /** Ids, each once. */
  readonly runningPersonas: readonly string[]
  readonly waitingPersonas: readonly string[]
}

export interface Admission {
  /** Waits for a place; the result gives it back, once. @throws a refusal where too many wait, the signal's reason on the signal */
  enter(options?: EnterOptions): Promise<() => void>
  load(): Load
}

interface Waiting {
  readonly personas: readonly string[]
  start(): void
}

export function admission({ running: places, waiting: seats }: AdmissionOptions): Admission {
  const running = new Set<{ readonly personas: readonly string[] }>()
  const queue: Waiting[] = []
  /** The place is taken at once: who comes between the call of a waiting one and its start must not find it free. */
  const take = (personas: readonly string[]) => {
    const place = { personas }
    running.add(place)
    return () => {
      if (running.delete(place)) queue.shift()?.start()
    }
  }
  return {
    async enter({ signal, personas = [] } = {}) {
      signal?.throwIfAborted()
      if (running.size < places) return take(personas)
      if (queue.length >= seats) {
        throw refusal({
          code: 'server_is_overloaded',
          message: `server has ${seats} requests waiting, try again later`,
          headers: { 'retry-after': '1' },
        })
      }
      return new Promise<() => void>((resolve, reject) => {
        const waiting: Waiting = {
          personas,
          start() {
            signal?.removeEventListener('abort', giveUp)
            resolve(take(personas))
          },
        }
        const giveUp = () => {
          queue.splice(queue.indexOf(waiting), 1)
          reject(signal!.reason as Error)
        }
        queue.push(waiting)
        signal?.addEventListener('abort', giveUp, { once: true })
      })
    },
    load: () => ({
      running: running.size,
      waiting: queue.length,
      runningPersonas: idsOf(running),
      waitingPersonas: idsOf(queue),
    }),
  }
}

const idsOf = (holders: Iterable<{ readonly personas: readonly string[] }>) => [
  ...new Set(Array.from(holders, ({ personas }) => personas).flat()),
]
