/**
 * @file The personas that a caller may ask for: those that everybody shares, and those that the store keeps for the caller. The store is asked at every
 * request, so that what was deleted or has expired is gone at once, whoever deleted it; what it holds is read, tested and logged once, and kept here.
 */
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { unpackPersona } from '../node/persona-bundle.ts'
import { expiredAt, isExpired } from '../persona/expiry.ts'
import { isOfOtherModel } from '../persona/model-match.ts'
import type { StoredPersona } from '../persona/persona.ts'
import type { RecordFacts, Records } from '../store/records.ts'
import { type Caller, ownerOf } from './caller.ts'
import { MOST_RECORDS, PERSONA_FILES, PERSONAS, personaRef, type StoredPersonaRecord } from './life-records.ts'
import { type PersonaFacts, personaFacts } from './persona-facts.ts'
import { type PersonaState, testPersona } from './persona-self-test.ts'
import type { ModelMatch, PersonaShelf, ShelvedPersona } from './persona-shelf.ts'
import { type Log, logPersona } from './request-log.ts'

/** A persona as it is listed, without what it is made of. */
export interface ListedPersona extends PersonaFacts {
  readonly id: string
  readonly root: string
  readonly kind: StoredPersona['kind'] | 'none'
  readonly method?: string | undefined
  readonly failed?: string | undefined
  /** Whether it was fitted on another model than that which is served. */
  readonly modelMismatch?: boolean | undefined
}

export interface Shelf {
  /** How many everybody shares. */
  readonly size: number
  /** Whether everybody has one of that name. */
  isShared(id: string): boolean
  /** Of these ids those that the caller may ask for; what was asked for and is not in it does not exist for the caller. */
  chosen(caller: Caller, ids: readonly string[]): Promise<PersonaShelf>
  /** All that the caller may ask for on this model. */
  listed(caller: Caller): Promise<readonly ListedPersona[]>
  /** What the self-test of this process says, where it was made. */
  failureOf(ref: string): Promise<string | undefined>
  /** Lets go of what the store has no more. */
  forgetGone(): Promise<void>
}

export interface ShelfOptions extends ModelMatch {
  readonly shared: PersonaShelf
  readonly model: LanguageModel
  /** Undefined where nothing is kept. */
  readonly records: Records | undefined
  readonly log: Log
}

/** Personas kept in memory; the one that was asked for least recently goes first. */
const MOST_KEPT = 256

/** Between looks for personas that others have deleted, or that have expired. */
const LOOK_MS = 60_000

interface Kept {
  readonly created: number
  readonly shelved: Promise<ShelvedPersona | undefined>
}

export function personaShelf({ shared, model, records, log, allowModelMismatch }: ShelfOptions): Shelf {
  const kept = new Map<string, Kept>()

  async function load(ref: string, { owner }: RecordFacts): Promise<ShelvedPersona | undefined> {
    const [about, files] = await Promise.all([records!.get(PERSONAS, ref), records!.get(PERSONA_FILES, ref)])
    if (about === undefined || files === undefined) return undefined
    const { name: id, root, model: fingerprint } = about.json as StoredPersonaRecord
    const persona = await unpackPersona(files.json).catch(unreadable)
    // That it is another model's is said by whoever compiles it, as of every persona.
    const isOurs = allowModelMismatch || persona.kind === 'prompt' || fingerprint === model.fingerprint
    const state = persona.kind === 'unreadable' || isOurs ? await stateOf(persona) : undefined
    const failed = state?.kind === 'failed' ? state.reason : undefined
    const shelved = { id, root, failed, persona: persona.kind === 'unreadable' ? ({ kind: 'none' } as const) : persona }
    logPersona(log, shelved, owner)
    return shelved
  }

  const stateOf = async (persona: StoredPersona | Unreadable): Promise<PersonaState> =>
    persona.kind === 'unreadable'
      ? { kind: 'failed', reason: persona.reason }
      : testPersona(persona, model, { allowModelMismatch })

  async function own(owner: string, id: string): Promise<ShelvedPersona | undefined> {
    const ref = personaRef(owner, id)
    const facts = await records?.about(PERSONAS, ref)
    if (facts?.owner !== owner) {
      if (facts === undefined) kept.delete(ref)
      return undefined
    }
    const known = kept.get(ref)
    const current = known?.created === facts.created ? known : { created: facts.created, shelved: load(ref, facts) }
    kept.delete(ref)
    kept.set(ref, current)
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break
      kept.delete(oldest)
    }
    // What failed to load is tried again by the next request.
    current.shelved.catch(() => kept.get(ref) === current && kept.delete(ref))
    return current.shelved
  }

  let looked = Date.now()
  async function forgetGone(): Promise<void> {
    looked = Date.now()
    for (const [ref, { created }] of [...kept]) {
      if ((await records?.about(PERSONAS, ref))?.created !== created) kept.delete(ref)
    }
  }

  return {
    forgetGone,
    size: shared.size,
    isShared: (id) => shared.has(id),
    async chosen(caller, ids) {
      if (Date.now() - looked > LOOK_MS) await forgetGone()
      const found = new Map<string, ShelvedPersona>()
      for (const id of new Set(ids)) {
        const shelved = (records && (await own(ownerOf(caller), id))) ?? shared.get(id)
        if (shelved !== undefined) found.set(id, shelved)
      }
      return found
    },
    async listed(caller) {
      const stored = (await records?.list(PERSONAS, { owner: ownerOf(caller), limit: MOST_RECORDS })) ?? []
      const mine = stored.flatMap(({ json }): ListedPersona[] => {
        const { name: id, state, ...about } = json as StoredPersonaRecord
        const modelMismatch = about.kind !== 'prompt' && about.model !== model.fingerprint
        if (modelMismatch && !allowModelMismatch) return []
        return [{ ...about, id, modelMismatch, ...(state.kind === 'failed' && { failed: state.reason }) }]
      })
      const names = new Set(mine.map(({ id }) => id))
      return [...Array.from(shared.values(), (shelved) => listedOf(shelved, model)).filter(({ id }) => !names.has(id)), ...mine]
    },
    async failureOf(ref) {
      const shelved = await kept.get(ref)?.shelved.catch(() => undefined)
      return shelved?.failed
    },
  }
}

interface Unreadable {
  readonly kind: 'unreadable'
  readonly reason: string
}

/** @throws what is no fault of the persona's bytes */
function unreadable(error: unknown): Unreadable {
  if (error instanceof PalignError && error.code === 'malformed-file') return { kind: 'unreadable', reason: error.message }
  throw error
}

function listedOf({ id, root, persona, failed }: ShelvedPersona, model: LanguageModel): ListedPersona {
  const ended = isExpired(persona, Date.now()) ? expiredAt(persona) : undefined
  return {
    ...{ id, root, kind: persona.kind, failed: failed ?? ended, modelMismatch: isOfOtherModel(persona, model) },
    ...('method' in persona && { method: persona.method }),
    ...personaFacts(persona),
  }
}

/** Personas of a folder, each after its self-test. @throws PalignError `incompatible-persona` for one of another model, unless that is allowed: the folder is the operator's */
export async function testedPersonas(
  personas: readonly ShelvedPersona[],
  model: LanguageModel,
  match: ModelMatch = {},
): Promise<ShelvedPersona[]> {
  const tested: ShelvedPersona[] = []
  for (const one of personas) {
    const { persona } = one
    if (!match.allowModelMismatch && isOfOtherModel(persona, model)) {
      throw new PalignError('incompatible-persona', `persona ${one.id} was fitted on another model`, {
        hint: 'take its file out of the folder, or serve the model it was fitted on',
      })
    }
    const state = await testPersona(persona, model, match)
    tested.push(state.kind === 'failed' ? { ...one, failed: state.reason } : one)
  }
  return tested
}
