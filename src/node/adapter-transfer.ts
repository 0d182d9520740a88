/**
 * @file Adapters on their way to the engine worker: one that is used again is sent once. Either side holds the last one only, so
 * that many persons one after the other need no more memory than one.
 */
import { PalignError } from '../errors.ts'
import type { Adapter } from '../model/adapter.ts'
import type { Displacement } from '../model/displacement.ts'
import type { Steering } from '../model/language-model.ts'
import type { WorkerClient } from './worker-calls.ts'

/** Steering as it travels: the adapter by the number under which it was sent. */
export interface SentSteering {
  readonly displacement: Displacement | undefined
  readonly adapterId: number | undefined
}

export interface SentAdapter {
  readonly id: number
  readonly adapter: Adapter
}

/** Caller side. Sends the adapter, where it is not the last one sent, ahead of the call that needs it. */
export function adapterSender(engine: WorkerClient): (steering: Steering) => SentSteering {
  let last: SentAdapter | undefined
  return ({ displacement, adapter }) => {
    if (adapter === undefined) return { displacement, adapterId: undefined }
    if (last?.adapter !== adapter) {
      last = { id: (last?.id ?? 0) + 1, adapter }
      // A worker that cannot be reached fails the call that follows, with its reason.
      engine.call('adapter', last satisfies SentAdapter).catch(() => undefined)
    }
    return { displacement, adapterId: last.id }
  }
}

/** Worker side: messages arrive in the order in which they were sent, so the last adapter is the one a call means. */
export function adapterReceiver(): {
  receive(sent: SentAdapter): void
  steeringOf(sent: SentSteering): Steering
} {
  let last: SentAdapter | undefined
  return {
    receive(sent) {
      last = sent
    },
    steeringOf({ displacement, adapterId }) {
      if (adapterId === undefined) return { displacement }
      if (last?.id !== adapterId) throw new PalignError('engine-failed', `adapter ${adapterId} has not reached the engine`)
      return { displacement, adapter: last.adapter }
    },
  }
}
