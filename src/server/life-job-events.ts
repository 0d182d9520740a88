/** @file GET /api/jobs/:id/events: a job as it changes, as server-sent events. The last one shows how it ended; what ends otherwise says so or is cut. */
import type { Context } from 'hono'
import type { Job } from '../store/jobs.ts'
import { ownerOf } from './caller.ts'
import { streamAnswer } from './event-stream.ts'
import { heldPlaces } from './held-places.ts'
import { jobOf, type Life } from './life-access.ts'
import { jobView } from './life-jobs.ts'
import { jobAnswer } from './life-schemas.ts'
import { type Problem, refusal } from './problems.ts'
import type { Route } from './route.ts'
import type { Services, Work } from './work.ts'

/** Of one owner at once: each looks at the store some times a second. */
const MOST_STREAMS = 16
const FULL: Problem = {
  code: 'rate_limit_exceeded',
  message: `key watches ${MOST_STREAMS} jobs at once, and may watch no more`,
  headers: { 'retry-after': '5' },
}

export type EventServices = Pick<Services, 'times' | 'onFailure' | 'stopping'>

export function jobEventRoutes(life: Life, services: EventServices): readonly Route[] {
  const open = heldPlaces()
  return [
    {
      method: 'GET',
      path: '/api/jobs/:id/events',
      summary: 'a job as it changes, until it has ended',
      scopes: ['align'],
      isMetered: true,
      answer: { type: 'text/event-stream' },
      chunk: jobAnswer,
      handler: async (c) => {
        const job = await jobOf(life, c.get('caller'), c.req.param('id')!)
        // Nobody would read it.
        if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream; charset=utf-8' })
        const work = watching(c, services, open.take(ownerOf(c.get('caller')), MOST_STREAMS, FULL))
        try {
          return await streamAnswer(c, snapshots(life, job.id, work.signal), work, services)
        } catch (error) {
          work.end()
          throw error
        }
      },
    },
  ]
}

async function* snapshots({ jobs }: Life, id: string, signal: AbortSignal): AsyncGenerator<object> {
  let last: Job | undefined
  for await (const job of jobs.watch(id, { signal })) {
    last = job
    yield jobView(job)
  }
  if (signal.aborted) throw refusal({ code: 'server_is_overloaded', message: 'the stream was ended before the job' })
  if (last === undefined || last.state === 'waiting' || last.state === 'running') {
    throw refusal({ code: 'job_not_found', param: 'job', message: 'job was deleted' })
  }
}

/** It costs the model nothing, so that it holds no place among its requests. */
function watching(c: Context, { stopping }: EventServices, giveBack: () => void): Work {
  const ended = new AbortController()
  return {
    signal: AbortSignal.any([c.req.raw.signal, ended.signal, ...(stopping ? [stopping] : [])]),
    countToken: () => undefined,
    failureOf: (error) => error,
    end() {
      if (ended.signal.aborted) return
      ended.abort()
      giveBack()
    },
  }
}
