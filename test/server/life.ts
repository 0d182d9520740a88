/** @file What the tests of the life cycle share: a server over a store, keys of two persons and an operator, and a worker. */
import type { Hono } from 'hono'
import { IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { openStore, type Store, type StoreAddress } from '../../src/node/open-store.ts'
import { simulateRespondents } from '../../src/people/simulate.ts'
import { type AppOptions, serverApp } from '../../src/server/app.ts'
import { jobHandlers } from '../../src/server/job-handlers.ts'
import { hashOfKey, type StoredKey } from '../../src/server/keys.ts'
import type { Scope } from '../../src/server/scopes.ts'
import { runJobs } from '../../src/store/run-jobs.ts'

const PERSON: readonly Scope[] = ['chat', 'align', 'personas:read', 'personas:write']
const key = (name: string, id: string, scopes: readonly Scope[]) => ({ key: `pk_${name.repeat(4)}`, id, scopes })
export const ADA = key('ada', 'key_aaaaaaaaaaaa', PERSON)
export const BEN = key('ben', 'key_bbbbbbbbbbbb', PERSON)
export const OPERATOR = key('operator', 'key_cccccccccccc', ['admin'])
export const CHATTER = key('chatter', 'key_dddddddddddd', ['chat'])
export const CURATOR = key('curator', 'key_eeeeeeeeeeee', ['personas:read', 'personas:write'])
type Key = typeof ADA

const stored = new Map(
  [ADA, BEN, OPERATOR, CHATTER, CURATOR].map(({ key, id, scopes }): [string, StoredKey] => {
    const hash = hashOfKey(key).toString('hex')
    return [hash, { id, name: id, hash, scopes: [...scopes], created: '2026-01-01T00:00:00Z' }]
  }),
)
export const KEYS: NonNullable<AppOptions['keys']> = { find: async (hash) => stored.get(Buffer.from(hash).toString('hex')) }

export interface LifeServer {
  readonly app: Hono
  readonly store: Store
  ask(key: Key | undefined, method: string, path: string, body?: unknown): Promise<Response>
  /** Does what waits. */
  work(options?: { readonly signal?: AbortSignal }): Promise<void>
}

export async function lifeServer(
  address: StoreAddress,
  model: LanguageModel,
  { activations, ...options }: Partial<AppOptions> & { readonly activations?: Parameters<typeof jobHandlers>[0]['store'] } = {},
): Promise<LifeServer> {
  const store = await openStore(address)
  const app = serverApp({
    ...{ model, name: 'respondent', personas: [], hosts: ['localhost'], origins: [], apiKey: undefined, keys: KEYS, life: store },
    ...options,
  })
  const openTrainer = () => Promise.reject(new Error('no trainer'))
  const handlers = jobHandlers({ model, records: store.records, version: '0', store: activations, openTrainer })
  return {
    app,
    store,
    ask: async (who, method, path, body) =>
      app.request(`http://localhost${path}`, {
        method,
        headers: {
          host: 'localhost',
          ...(who && { authorization: `Bearer ${who.key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    work: ({ signal = new AbortController().signal } = {}) =>
      runJobs({ queue: store.jobs, handlers, worker: 'w', signal, whenIdle: async () => false }),
  }
}

export const people = simulateRespondents({ count: 4, seed: 11, questionnaire: IPIP_NEO_300 })

/** As a client sends it. */
export const uploadOf = (person: number, fields: object = {}) => ({
  questionnaire: 'ipip-neo-300',
  coding: 'worded',
  answers: Object.fromEntries(people[person]!.answers.byItem),
  consent: { given: true, version: 'v1' },
  ...fields,
})

export const jsonOf = async <T = Record<string, unknown>>(response: Response): Promise<T> => (await response.json()) as T
