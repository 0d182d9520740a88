/** @file Respondents, jobs and personas of a server that keeps them, as functions. */
import { headerFacts, isObject, PalignApiError } from './error.ts'
import type { Job, Jobs, Personas, Respondents } from './life-types.ts'
import { readJsonEvents } from './stream-events.ts'
import type { CallOptions, Transport, TransportRequest } from './transport.ts'

type Body = Readonly<Record<string, unknown>>

export interface LifeCallOptions {
  readonly json: <T>(request: TransportRequest, isWhole: (body: Body) => boolean) => Promise<T>
  readonly send: Transport
  readonly maxEventLength: number
}

interface LifeCalls {
  readonly respondents: Respondents
  readonly jobs: Jobs
  readonly personas: Personas
}

const isKept = ({ id }: Body) => typeof id === 'string'
const isRemoved = ({ verified }: Body) => verified === true
const at = (collection: string, id: string) => `/api/${collection}/${encodeURIComponent(id)}`

export function lifeCalls({ json, send, maxEventLength }: LifeCallOptions): LifeCalls {
  const one = <T>(request: TransportRequest) => json<T>(request, isKept)
  const remove = (path: string, { signal }: CallOptions) => json<never>({ path, method: 'DELETE', signal }, isRemoved)
  const list =
    <T>(collection: string) =>
    async ({ signal }: CallOptions = {}) => {
      const path = `/api/${collection}`
      return (await json<{ data: readonly T[] }>({ path, signal }, ({ data }) => Array.isArray(data))).data
    }

  async function* watch(id: string, { signal }: CallOptions = {}): AsyncGenerator<Job, void, void> {
    const response = await send({ path: `${at('jobs', id)}/events`, signal, accept: 'text/event-stream' })
    let last: Job | undefined
    for await (const event of readJsonEvents({ response, signal, maxEventLength })) {
      if (!isObject(event) || typeof event.state !== 'string') {
        const message = 'stream has an event that is no job'
        throw new PalignApiError({ ...headerFacts(response), code: 'invalid_response', message })
      }
      last = event as unknown as Job
      yield last
    }
    if (last !== undefined && last.state !== 'waiting' && last.state !== 'running') return
    const message = 'stream ended before the job'
    throw new PalignApiError({ ...headerFacts(response), code: 'stream_incomplete', message })
  }

  return {
    respondents: {
      add: (body, { signal } = {}) => one({ path: '/api/respondents', body, signal }),
      list: list('respondents'),
      get: (id, { answers, signal } = {}) =>
        one({ path: `${at('respondents', id)}${answers === true ? '?answers=true' : ''}`, signal }),
      delete: (id, options = {}) => remove(at('respondents', id), options),
    },
    jobs: {
      add: (body, { signal } = {}) => one({ path: '/api/jobs', body, signal }),
      list: list('jobs'),
      get: (id, { signal } = {}) => one({ path: at('jobs', id), signal }),
      watch,
      cancel: (id, { signal } = {}) => one({ path: `${at('jobs', id)}/cancel`, method: 'POST', signal }),
      delete: (id, options = {}) => remove(at('jobs', id), options),
    },
    personas: {
      list: list('personas'),
      get: (id, { signal } = {}) => one({ path: at('personas', id), signal }),
      export: (id, { signal } = {}) =>
        json({ path: `${at('personas', id)}/export?format=bundle`, signal }, ({ files }) => Array.isArray(files)),
      expire: (id, expires, { signal } = {}) => one({ path: at('personas', id), method: 'PATCH', body: { expires }, signal }),
      delete: (id, { answers, ...options } = {}) =>
        remove(`${at('personas', id)}${answers === true ? '?answers=true' : ''}`, options),
    },
  }
}
