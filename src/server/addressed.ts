/** @file Whom a request addresses: the model, and the personas that act on it, by body, header or model id. */
import type { Context } from 'hono'
import type { HTTPException } from 'hono/http-exception'
import { isOfOtherModel } from '../persona/model-match.ts'
import { calibratedRange, personaFacts } from './persona-facts.ts'
import {
  type AppliedPersonas,
  applyPersonas,
  type ChosenPersona,
  chosenPersonas,
  type PersonaRequest,
  type PersonaShelf,
} from './persona-shelf.ts'
import { refusal } from './problems.ts'
import type { Services } from './work.ts'

export interface Addressed extends AppliedPersonas {
  readonly ids: readonly string[]
}

/** Says in the response who answers. @throws refusals `model_not_found`, `persona_not_found`, `invalid_value`, `unsupported_value` */
export async function addressed(
  c: Context,
  { model, persona }: { readonly model: string; readonly persona?: PersonaRequest['body'] },
  services: Pick<Services, 'model' | 'name' | 'shelf' | 'allowModelMismatch'>,
): Promise<Addressed> {
  const [base, modelSuffix] = splitAt(model)
  if (base !== services.name) {
    throw refusal({ code: 'model_not_found', param: 'model', message: `model ${JSON.stringify(base)} does not exist` })
  }
  const chosen = chosenPersonas({ body: persona, header: c.req.header('x-persona'), modelSuffix })
  const shelf = await services.shelf.chosen(
    c.get('caller'),
    chosen.map(({ id }) => id),
  )
  const applied = applyPersonas(chosen, shelf, services.model, {
    allowModelMismatch: services.allowModelMismatch,
    now: Date.now(),
  })
  const { headers } = c.get('record')
  headers['x-persona-id'] = applied.label
  const beyond = chosen.flatMap((one) => [
    ...ofOtherModel(one, shelf, services.model),
    ...beyondCalibration(one, shelf),
    ...unsteered(one, shelf),
  ])
  if (beyond.length > 0) headers['x-persona-warning'] = beyond.join('; ')
  return { ...applied, ids: chosen.map(({ id }) => id) }
}

/** The operator allowed it when the server was started; each answer says so all the same. */
function ofOtherModel({ id }: ChosenPersona, shelf: PersonaShelf, model: Services['model']): string[] {
  const persona = shelf.get(id)?.persona
  return persona !== undefined && isOfOtherModel(persona, model) ? [`${id} was fitted on another model`] : []
}

/** A strength that was never tried when the persona was found is allowed, and said. */
function beyondCalibration({ id, alpha }: ChosenPersona, shelf: PersonaShelf): string[] {
  const persona = shelf.get(id)?.persona
  const range = persona && calibratedRange(personaFacts(persona))
  if (alpha === undefined || range === undefined || (alpha >= range.from && alpha <= range.to)) return []
  return [`alpha ${alpha} of ${id} is outside ${range.from} to ${range.to}`]
}

/** A search may find that no strength is better than none. Who asks for the persona is then answered by the base model, and told so. */
function unsteered({ id, alpha }: ChosenPersona, shelf: PersonaShelf): string[] {
  const persona = shelf.get(id)?.persona
  if (persona?.kind !== 'steering' || (alpha ?? persona.alpha) !== 0) return []
  return [`alpha of ${id} is 0: the answer is not steered`]
}

/** `base@persona`; an @ inside the base's own name does not exist. */
function splitAt(model: string): [string, string | undefined] {
  const at = model.indexOf('@')
  return at < 0 ? [model, undefined] : [model.slice(0, at), model.slice(at + 1)]
}

/** So many characters a token of the context are read at most: tokenising costs time, and nothing longer would fit. */
const CHARACTERS_PER_TOKEN = 8

/** @param seen what is too long, with its length. LangChain knows this error by the words "maximum context length". */
export function contextExceeded(param: string, seen: string, contextLength: number): HTTPException {
  return refusal({
    code: 'context_length_exceeded',
    param,
    message: `${seen}, the maximum context length is ${contextLength} tokens`,
  })
}

/** @throws a refusal where a text cannot fit, before it is tokenised */
export function refuseLongText(characters: number, param: string, contextLength: number): void {
  if (characters <= CHARACTERS_PER_TOKEN * contextLength) return
  throw contextExceeded(param, `${param} has ${characters} characters`, contextLength)
}
