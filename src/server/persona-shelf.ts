/** @file The personas that a server knows, by id; and which of them a request asks for. A persona that cannot be applied is never left out in silence. */
import { PalignError } from '../errors.ts'
import type { Displacement } from '../model/displacement.ts'
import type { LanguageModel, Steering } from '../model/language-model.ts'
import { expiredAt, isExpired } from '../persona/expiry.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'
import { refusal } from './problems.ts'

export interface ShelvedPersona {
  readonly id: string
  readonly persona: Persona
  /** sha256 of the persona's content. */
  readonly root: string
  /** Why it may not be used, where its self-test failed. */
  readonly failed?: string | undefined
}

export type PersonaShelf = ReadonlyMap<string, ShelvedPersona>

/** Parts of an id: no slash, no path, nothing hidden. */
const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** Explicitly nobody. */
export const BASE = 'none'
/** A name that requests can say. */
export const isPersonaName = (id: string) => ID.test(id) && id !== BASE
export const MOST_PERSONAS = 8
export const LONGEST_ID = 64
/** Far beyond every alpha that was ever useful, well inside what stays finite. */
export const LARGEST_ALPHA = 64

export interface ModelMatch {
  /** Personas of another model are applied where layers and heads agree, and every answer is marked. */
  readonly allowModelMismatch?: boolean | undefined
}

/** @throws PalignError `invalid-input` for an id that is none, `incompatible-persona` for a persona of another model */
export function shelve(
  personas: readonly ShelvedPersona[],
  model: Pick<LanguageModel, 'shape' | 'fingerprint'>,
  match: ModelMatch = {},
): PersonaShelf {
  for (const { id, persona } of personas) {
    if (!isPersonaName(id)) {
      throw new PalignError(
        'invalid-input',
        `persona has the id ${JSON.stringify(id)}, expected lower-case letters, digits and . _ -`,
        {
          hint: 'rename its file',
        },
      )
    }
    compilePersona(persona, model, match)
  }
  return new Map(personas.map((persona) => [persona.id, persona]))
}

export interface ChosenPersona {
  readonly id: string
  readonly alpha?: number | undefined
}

/** The three ways to name personas; the body wins over the header, the header over the model id. */
export interface PersonaRequest {
  readonly body: string | ChosenPersona | readonly ChosenPersona[] | null | undefined
  readonly header: string | undefined
  /** What stands behind the @ of the model id. */
  readonly modelSuffix: string | undefined
}

export function chosenPersonas({ body, header, modelSuffix }: PersonaRequest): readonly ChosenPersona[] {
  const chosen =
    body !== undefined && body !== null
      ? [body].flat()
      : header !== undefined
        ? [fromHeader(header)]
        : modelSuffix !== undefined
          ? [modelSuffix]
          : []
  const list = chosen.map((one): ChosenPersona => (typeof one === 'string' ? { id: one } : (one as ChosenPersona)))
  const named = list.filter(({ id }) => id !== BASE)
  if (named.length > MOST_PERSONAS) {
    throw refusal({
      code: 'invalid_value',
      param: 'persona',
      message: `personas number ${named.length}, expected at most ${MOST_PERSONAS}`,
    })
  }
  if (named.length > 0 && named.length < list.length) {
    throw refusal({ code: 'invalid_value', param: 'persona', message: `persona ${BASE} stands beside others, expected it alone` })
  }
  return named
}

/** `id` or `id;alpha=2`. */
function fromHeader(header: string): ChosenPersona {
  const [id = '', ...settings] = header.split(';').map((part) => part.trim())
  if (settings.length === 0) return { id }
  const alpha = settings.length === 1 ? /^alpha=(-?\d+(?:\.\d+)?)$/.exec(settings[0]!)?.[1] : undefined
  if (alpha === undefined) {
    throw refusal({
      code: 'invalid_value',
      param: 'X-Persona',
      message: 'header X-Persona is wrong, expected id or id;alpha=number',
    })
  }
  return { id, alpha: Number(alpha) }
}

export interface AppliedPersonas {
  readonly system: string | undefined
  readonly steering: Steering
  /** As the response echoes it: `none`, or ids joined by +. */
  readonly label: string
}

/** Displacements add up; of prompts and adapters there can be one. @param options.now milliseconds since 1970: what has expired is refused */
export function applyPersonas(
  chosen: readonly ChosenPersona[],
  shelf: PersonaShelf,
  model: Pick<LanguageModel, 'shape' | 'fingerprint'>,
  { allowModelMismatch, now }: ModelMatch & { readonly now: number },
): AppliedPersonas {
  const compiled = chosen.map(({ id, alpha }) => {
    const shelved = shelf.get(id)
    if (shelved === undefined)
      throw refusal({ code: 'persona_not_found', param: 'persona', message: `persona ${shown(id)} does not exist` })
    if (shelved.failed !== undefined) {
      throw refusal({
        code: 'persona_not_ready',
        param: 'persona',
        message: `persona ${shown(id)} failed its self-test: ${shelved.failed}`,
        headers: { 'x-should-retry': 'false' },
      })
    }
    if (isExpired(shelved.persona, now)) {
      throw refusal({
        code: 'persona_not_ready',
        param: 'persona',
        message: `persona ${shown(id)} ${expiredAt(shelved.persona)}`,
        headers: { 'x-should-retry': 'false' },
      })
    }
    if (alpha !== undefined && !(Math.abs(alpha) <= LARGEST_ALPHA)) {
      throw refusal({
        code: 'invalid_value',
        param: 'persona',
        message: `alpha is ${alpha}, expected a number from -${LARGEST_ALPHA} to ${LARGEST_ALPHA}`,
      })
    }
    if (alpha !== undefined && shelved.persona.kind === 'prompt') {
      throw refusal({ code: 'invalid_value', param: 'persona', message: `persona ${id} is a prompt and has no alpha` })
    }
    return compilePersona(shelved.persona, model, { alpha, allowModelMismatch })
  })
  const one = <T>(values: readonly (T | undefined)[], what: string): T | undefined => {
    const given = values.filter((value) => value !== undefined)
    if (given.length > 1)
      throw refusal({
        code: 'unsupported_value',
        param: 'persona',
        message: `personas have ${given.length} ${what}, expected at most one`,
      })
    return given[0]
  }
  return {
    system: one(
      compiled.map(({ system }) => system),
      'prompts',
    ),
    steering: {
      displacement: sum(compiled.flatMap(({ displacement }) => displacement ?? [])),
      adapter: one(
        compiled.map(({ adapter }) => adapter),
        'adapters',
      ),
    },
    label: chosen.length === 0 ? BASE : chosen.map(({ id }) => id).join('+'),
  }
}

function sum(displacements: readonly Displacement[]): Displacement | undefined {
  if (displacements.length < 2) return displacements[0]
  return displacements[0]!.map((_, i) => displacements.reduce((total, displacement) => total + displacement[i]!, 0))
}

const shown = (id: string) => JSON.stringify(id.slice(0, 64))
