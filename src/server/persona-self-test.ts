/**
 * @file Proof before a persona is served that it acts on this model, and only as far as it should: alpha 0 is the base model, its own alpha is not, and its
 * opposite is something else. A persona that fails is listed with the reason and refused; nobody gets the base model's answer under its name.
 */
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'
import type { ModelMatch } from './persona-shelf.ts'

export type PersonaState =
  /** `steers` is false where the search found no strength better than none: the persona is served, and says so. */
  { readonly kind: 'ready'; readonly steers: boolean } | { readonly kind: 'failed'; readonly reason: string }

const PROMPT = [{ role: 'user', content: 'Who are you?' }] as const
/** Of the largest logit: a hundred times the rounding of 32-bit numbers. What moves less changes no answer. */
const FLOOR = 1e-5
/** An adapter has a graph of its own, which may round differently (seen: 1e-6). */
const SAME_GRAPH = { steering: 0, adapter: 1e-5 } as const

type TestedModel = Pick<LanguageModel, 'shape' | 'fingerprint' | 'render' | 'logits'>

/** @throws what the engine throws where it fails: that says nothing of the persona */
export async function testPersona(persona: Persona, model: TestedModel, match: ModelMatch = {}): Promise<PersonaState> {
  try {
    return await tested(persona, model, match)
  } catch (error) {
    const isOfPersona =
      error instanceof PalignError && ['incompatible-persona', 'non-finite', 'invalid-input'].includes(error.code)
    if (!isOfPersona) throw error
    return { kind: 'failed', reason: (error as PalignError).message }
  }
}

async function tested(persona: Persona, model: TestedModel, match: ModelMatch): Promise<PersonaState> {
  switch (persona.kind) {
    case 'none':
      return { kind: 'ready', steers: false }
    case 'prompt':
      // It acts by standing before the conversation.
      return persona.system.trim() === '' ? { kind: 'failed', reason: 'prompt is empty' } : { kind: 'ready', steers: true }
    case 'steering':
    case 'prompt+steering':
      return testStrengths(persona, model, { own: persona.alpha, same: SAME_GRAPH.steering, ...match })
    case 'adapter':
      return testStrengths(persona, model, { own: 1, same: SAME_GRAPH.adapter, ...match })
    default:
      return persona satisfies never
  }
}

async function testStrengths(
  persona: Persona,
  model: TestedModel,
  { own, same, allowModelMismatch }: ModelMatch & { readonly own: number; readonly same: number },
): Promise<PersonaState> {
  const { tokens, base, most } = await baseOf(model)
  const at = async (alpha: number) => {
    const { displacement, adapter } = compilePersona(persona, model, { alpha, allowModelMismatch })
    return model.logits({ tokens, displacement, adapter })
  }
  const differ = (a: Float32Array, b: Float32Array) => largestDifference(a, b) / most > FLOOR
  const zero = await at(0)
  const isBase = same === 0 ? zero.every((logit, i) => Object.is(logit, base[i])) : largestDifference(zero, base) / most <= same
  if (!isBase) return { kind: 'failed', reason: 'alpha 0 changes the logits' }
  // One that was found not to steer must still act for those who give it a strength.
  const strength = own === 0 ? 1 : own
  const [plus, minus] = [await at(strength), await at(-strength)]
  if (![...plus, ...minus].every(Number.isFinite))
    return { kind: 'failed', reason: `alpha ${strength} gives logits that are no numbers` }
  if (!differ(plus, base)) return { kind: 'failed', reason: `alpha ${strength} does not change the logits` }
  if (!differ(plus, minus)) return { kind: 'failed', reason: `alpha ${strength} and ${-strength} give the same logits` }
  return { kind: 'ready', steers: own !== 0 }
}

interface Base {
  readonly tokens: readonly number[]
  readonly base: Float32Array
  /** Largest of them, by size. */
  readonly most: number
}

/** The same for every persona of a model. */
const bases = new WeakMap<TestedModel, Promise<Base>>()

function baseOf(model: TestedModel): Promise<Base> {
  const known = bases.get(model)
  if (known !== undefined) return known
  const computing = compute(model)
  bases.set(model, computing)
  computing.catch(() => bases.delete(model))
  return computing
}

async function compute(model: TestedModel): Promise<Base> {
  const tokens = await model.render(PROMPT)
  const base = await model.logits({ tokens })
  return { tokens, base, most: base.reduce((largest, logit) => Math.max(largest, Math.abs(logit)), 0) }
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0)
}
