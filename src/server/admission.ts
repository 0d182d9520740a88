/** @file How many requests are computed at once and how many wait; more are refused at once, so that nobody waits for nothing. */
import { refusal } from './problems.ts'

export interface AdmissionOptions {
  readonly running: number
  readonly waiting: number
}

export interface Admission {
  /** Waits for a place; the result gives it back, once. @throws a refusal where too many wait, `AbortError` on the signal */
  enter(signal?: AbortSignal): Promise<() => void>
  counts(): { readonly running: number; readonly waiting: number }
}

export function admission({ running: places, waiting: seats }: AdmissionOptions): Admission {
  let running = 0
  const queue: (() => void)[] = []
  const leave = () => {
    let left = false
    return () => {
      if (left) return
      left = true
      running--
      queue.shift()?.()
    }
  }
  return {
    async enter(signal) {
      signal?.throwIfAborted()
      if (running < places) {
        running++
        return leave()
      }
      if (queue.length >= seats) {
        throw refusal({
          code: 'server_is_overloaded',
          message: `server has ${seats} requests waiting, try again later`,
          headers: { 'retry-after': '1' },
        })
      }
      await new Promise<void>((resolve, reject) => {
        const start = () => {
          signal?.removeEventListener('abort', giveUp)
          running++
          resolve()
        }
        const giveUp = () => {
          queue.splice(queue.indexOf(start), 1)
          reject(signal!.reason as Error)
        }
        queue.push(start)
        signal?.addEventListener('abort', giveUp, { once: true })
      })
      return leave()
    },
    counts: () => ({ running, waiting: queue.length }),
  }
}
