/**
 * @file The unit of an evaluation: what one arm answers for one respondent, and what that cost. Its key names everything the answers depend
 * on; arms that know nothing of the person have one unit for all.
 */
import type { AnswerDistributions } from '../align/questions.ts'
import { PalignError } from '../errors.ts'
import type { Respondent } from '../people/respondent.ts'
import type { Cost } from './cost.ts'
import type { Regime } from './floors.ts'
import type { MethodContext, MethodName } from './methods.ts'
import { unitKey } from './units.ts'

export interface AnswerUnit {
  readonly regime: Regime
  readonly hyperparameters?: Readonly<Record<string, number | string>> | undefined
  readonly distributions: AnswerDistributions
  /** How far the model is moved (`steering-strength.ts`), and the alpha of a displacement; absent where nothing is added to the model. */
  readonly strength?: { readonly klP95: number; readonly alpha?: number | undefined } | undefined
  /** Of this respondent alone. */
  readonly cost: Cost
}

/** Raised whenever the same description comes to mean other answers. */
const REVISION = 1

interface KeyContext
  extends Pick<MethodContext, 'questionnaire' | 'known' | 'heldOut' | 'seed' | 'orders' | 'descriptions' | 'steps'> {
  readonly model: { readonly fingerprint: string }
  /** Of the program that computes the units. */
  readonly version?: string | undefined
}

/** Key of a respondent's unit; without one, of what the arm needs for all of them. */
export function answerUnitKey(method: MethodName, context: KeyContext, respondent?: Respondent): Promise<string> {
  const { model, questionnaire, known, heldOut, seed, orders, descriptions, steps, version } = context
  const numbers = (items: readonly { readonly itemNumber: number }[]) => items.map(({ itemNumber }) => itemNumber)
  return unitKey({
    revision: REVISION,
    version,
    model: model.fingerprint,
    method,
    seed,
    orders,
    steps: method === 'dpo' || method === 'ppo' ? steps : undefined,
    questionnaire: questionnaire.id,
    known: numbers(known.items),
    heldOut: numbers(heldOut.items),
    person: respondent && method !== 'unchanged' ? personOf(method, respondent, context) : undefined,
    description: method.startsWith('personality-prompt') && respondent ? descriptions?.[respondent.row] : undefined,
    kind: respondent === undefined ? 'shared' : 'answers',
  })
}

/** What a method may know of somebody. Held-out answers only where it looks at them: answers that nothing depends on make no other unit. */
function personOf(method: MethodName, { row, answers }: Respondent, { known, heldOut }: KeyContext) {
  const seen = method === 'pas:as-published' ? [...known.items, ...heldOut.items] : known.items
  return { row, answers: seen.map(({ itemNumber }) => answers.byItem.get(itemNumber) ?? 0) }
}

export function encodeAnswerUnit({ distributions, ...rest }: AnswerUnit): string {
  const { probabilities, unanswered } = distributions
  return JSON.stringify({ ...rest, probabilities: toBase64(probabilities), unanswered: toBase64(unanswered) })
}

/** @throws PalignError `malformed-file` for what is no unit of so many items */
export function decodeAnswerUnit(text: string, items: number): AnswerUnit {
  try {
    const { probabilities, unanswered, ...rest } = JSON.parse(text) as Omit<AnswerUnit, 'distributions'> & Record<string, string>
    const distributions = { probabilities: fromBase64(probabilities, items * 5), unanswered: fromBase64(unanswered, items) }
    return { ...rest, distributions }
  } catch (cause) {
    throw new PalignError('malformed-file', 'store holds a unit that cannot be read', {
      hint: 'give another folder to --store, or remove this one',
      cause,
    })
  }
}

function toBase64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function fromBase64(text: string, count: number): Float32Array {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  if (bytes.byteLength !== count * 4) throw new RangeError(`${bytes.byteLength} bytes, expected ${count * 4}`)
  return new Float32Array(bytes.buffer)
}
