/** @file Routes of personas that are kept: listed with how they were found and how far off they are, exported, ended. */
import type { Context } from 'hono'
import { type PersonaBundle, packPersona, unpackPersona } from '../node/persona-bundle.ts'
import { rootOf } from './align-job.ts'
import { holdsScope } from './caller.ts'
import { type Held, type Life, listedOwner, personaOf } from './life-access.ts'
import { expiryOf, removedView, timeOf } from './life-parts.ts'
import {
  EVALUATIONS,
  MOST_RECORDS,
  OF_PERSONA,
  PERSONA_FILES,
  PERSONAS,
  type StoredEvaluation,
  type StoredPersonaRecord,
} from './life-records.ts'
import { removePersona, removeRespondent } from './life-remove.ts'
import { bundleAnswer, personaAnswer, personaChange, personasAnswer, removedAnswer } from './life-schemas.ts'
import { refusal } from './problems.ts'
import { parseBody, readBody } from './read-body.ts'
import type { Route } from './route.ts'

const OF_IT = '/api/personas/:id'
const READ = ['personas:read'] as const
const WRITE = ['personas:write'] as const

/** What this process found out about a persona when it loaded it; undefined where nothing, or nothing wrong. */
export type FailureOf = (ref: string) => Promise<string | undefined>

export interface PersonaRouteOptions {
  readonly failureOf: FailureOf
  /** Called after a deletion, so that nothing of it stays in memory. */
  readonly forgetGone: () => Promise<void>
}

export function personaRoutes(life: Life, { failureOf, forgetGone }: PersonaRouteOptions): readonly Route[] {
  const common = { isMetered: true } as const
  return [
    {
      ...common,
      method: 'GET',
      path: '/api/personas',
      summary: 'personas of the key',
      scopes: READ,
      answer: personasAnswer,
      handler: async (c) => {
        const owner = listedOwner(c.get('caller'))
        const records = await life.records.list(PERSONAS, { owner, limit: MOST_RECORDS })
        const data = records.map((record) => viewOf(life, record as Held<StoredPersonaRecord>, failureOf))
        return c.json({ object: 'list', data: await Promise.all(data) })
      },
    },
    {
      ...common,
      method: 'GET',
      path: OF_IT,
      summary: 'one of them: method, strength, heads, calibration, evaluation',
      scopes: READ,
      answer: personaAnswer,
      handler: async (c) => c.json(await viewOf(life, await theirs(c, life), failureOf)),
    },
    {
      ...common,
      method: 'GET',
      path: `${OF_IT}/export`,
      summary: 'its file (safetensors), or with format=bundle and for adapters its files in JSON',
      scopes: READ,
      query: { format: 'bundle: JSON with the files in base64' },
      answer: bundleAnswer,
      handler: async (c) => exported(c, life, await theirs(c, life)),
    },
    {
      ...common,
      method: 'PATCH',
      path: OF_IT,
      summary: 'lets it expire earlier',
      scopes: WRITE,
      body: personaChange,
      answer: personaAnswer,
      handler: async (c) => {
        const record = await theirs(c, life)
        await shorten(life, record, parseBody(personaChange, await readBody(c)).expires)
        return c.json(await viewOf(life, await theirs(c, life), failureOf))
      },
    },
    {
      ...common,
      method: 'DELETE',
      path: OF_IT,
      summary: 'deletes it with its evaluation and its jobs; with answers=true the respondent too, and all that was made of it',
      scopes: WRITE,
      query: { answers: 'true: the answers too, with every persona made of them' },
      answer: removedAnswer,
      handler: async (c) => {
        const { id, owner, json } = await theirs(c, life)
        const withAnswers = c.req.query('answers') === 'true'
        if (withAnswers && !holdsScope(c.get('caller'), ['align'])) {
          throw refusal({ code: 'insufficient_scope', message: 'key has no scope align, which deleting answers needs' })
        }
        const removed = withAnswers
          ? await removeRespondent(life, { id: json.answers, owner })
          : await removePersona(life, { id, owner, job: json.job })
        await forgetGone()
        return c.json(removedView(removed))
      },
    },
  ]
}

const theirs = (c: Context, life: Life) => personaOf(life, c.get('caller'), c.req.param('id')!)

async function shorten(life: Life, { id, owner, expires: before }: Held<StoredPersonaRecord>, text: string): Promise<void> {
  const expires = expiryOf(text, (life.now ?? Date.now)())
  if (before !== undefined && expires! > before) {
    throw refusal({ code: 'invalid_value', param: 'expires', message: 'expires is later than that of the answers' })
  }
  const files = await life.records.get(PERSONA_FILES, id)
  const bundle = files && (await expiringBundle(files.json, text))
  const change = (collection: string, json: unknown): unknown => {
    if (bundle === undefined || collection === EVALUATIONS) return json
    return collection === PERSONA_FILES ? bundle : { ...(json as StoredPersonaRecord), root: rootOf(bundle) }
  }
  for (const collection of OF_PERSONA) {
    const record = await life.records.get(collection, id)
    if (record === undefined) continue
    await life.records.put(collection, id, { owner, expires, json: change(collection, record.json) })
  }
}

/** The file says the same: it is exported, and used elsewhere. */
async function expiringBundle(stored: unknown, expires: string): Promise<PersonaBundle | undefined> {
  const persona = await unpackPersona(stored).catch(() => undefined)
  // What cannot be read is refused by everybody who asks for it; it ends earlier all the same.
  if (persona === undefined) return undefined
  return packPersona({ ...persona, about: { ...persona.about, expires: new Date(expires).toISOString() } })
}

/** Names of files: the persona's own, behind a word, so that none is hidden or a device. */
const fileName = (name: string, ending: string) =>
  `attachment; filename="persona-${name.replace(/[^a-z0-9._-]/g, '_')}.${ending}"`

async function exported(c: Context, { records }: Life, { id, json }: Held<StoredPersonaRecord>): Promise<Response> {
  const record = await records.get(PERSONA_FILES, id)
  if (record === undefined) throw refusal({ code: 'persona_not_found', param: 'persona', message: 'persona does not exist' })
  const { format, files } = record.json as PersonaBundle
  const headers = { 'x-persona-sha256': json.root, 'cache-control': 'no-store' }
  const [file, ...others] = files
  if (others.length > 0 || c.req.query('format') === 'bundle') {
    return c.json({ format, sha256: json.root, files }, 200, {
      ...headers,
      'content-disposition': fileName(json.name, 'palign.json'),
    })
  }
  return c.body(Uint8Array.from(Buffer.from(file!.base64, 'base64')), 200, {
    ...headers,
    'content-type': 'application/octet-stream',
    'content-disposition': fileName(json.name, 'safetensors'),
  })
}

async function viewOf(
  { records }: Life,
  { id: ref, owner, created, expires, json }: Held<StoredPersonaRecord>,
  failureOf: FailureOf,
) {
  const { name, root, state, answers, job, alpha, site, heads, calibration, answered, seed, kind, method, model } = json
  const reason = (await failureOf(ref)) ?? (state.kind === 'failed' ? state.reason : null)
  const evaluation = (await records.get(EVALUATIONS, ref))?.json as StoredEvaluation | undefined
  return {
    ...{ object: 'persona', id: name, ref, owner, state: reason === null ? 'ready' : 'failed', reason },
    ...{ steers: state.kind === 'ready' && state.steers, kind, method, model, sha256: root },
    ...{ alpha: alpha ?? null, site: site ?? null, heads: heads ?? [], calibration: calibration ?? null },
    ...{ answered: answered ?? null, seed: seed ?? null, respondent: answers, job },
    ...{ created: timeOf(created), expires: timeOf(expires) },
    evaluation: evaluation === undefined ? null : { items: evaluation.items, arms: evaluation.arms },
  }
}
