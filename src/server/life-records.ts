/**
 * @file What a server keeps of persons, by collection. Everything made of somebody's answers expires with them, and names the record that it was made of:
 *
 *     respondents / R      RespondentRecord: consent and counts
 *     answers / R          palign's own format of answers, one respondent: { questionnaire, coding, respondents: [{ sex, age, answers }] }
 *     personas / P         StoredPersonaRecord: what is shown of a persona, and whether it passed its self-test
 *     persona-files / P    PersonaBundle: the files of the persona
 *     evaluations / P      StoredEvaluation
 *
 * P is made of owner and name, or of the job where no name was wanted: a job that runs twice writes the same records again.
 */
import { createHash } from 'node:crypto'
import type { PersonaEvaluation } from '../eval/evaluate-persona.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { randomHex } from '../store/stored-json.ts'
import type { PersonaFacts } from './persona-facts.ts'
import type { PersonaState } from './persona-self-test.ts'

export const RESPONDENTS = 'respondents'
export const ANSWERS = 'answers'
export const PERSONAS = 'personas'
export const PERSONA_FILES = 'persona-files'
export const EVALUATIONS = 'evaluations'

/** Collections that hold something of a persona under its id. */
export const OF_PERSONA = [PERSONAS, PERSONA_FILES, EVALUATIONS] as const

/** Records of one owner and collection that are looked through. */
export const MOST_RECORDS = 100_000

export interface RespondentRecord {
  readonly questionnaire: string
  readonly coding: 'worded' | 'keyed'
  /** Items. */
  readonly answered: number
  readonly consent: {
    /** What was agreed to: its words, the name of its version, or both. */
    readonly text?: string | undefined
    readonly version?: string | undefined
    /** ISO 8601. */
    readonly time: string
  }
}

/** `unpackPersona` reads the bundle of the same id. */
export interface StoredPersonaRecord extends PersonaFacts {
  /** As requests call it. */
  readonly name: string
  readonly kind: StoredPersona['kind']
  readonly method: string
  /** Fingerprint of the model that it was found for. */
  readonly model: string
  readonly job: string
  /** Id of the respondent that it was made of. */
  readonly answers: string
  /** sha256 of the file that makes it what it is. */
  readonly root: string
  /** As the process found it that made the persona; every server tests again before it serves. */
  readonly state: PersonaState
}

export interface StoredEvaluation extends PersonaEvaluation {
  readonly job: string
  readonly answers: string
  readonly model: string
}

const RESPONDENT = /^respondent-[0-9a-f]{32}$/
const PERSONA = /^persona-[0-9a-f]{32}$/

export const newRespondentId = () => `respondent-${randomHex()}`
export const isRespondentId = (id: string) => RESPONDENT.test(id)
export const isPersonaRef = (id: string) => PERSONA.test(id)

/** Where a persona lies. The same name of two owners is two places. */
export function personaRef(owner: string, name: string): string {
  if (isPersonaRef(name)) return name
  return `persona-${createHash('sha256')
    .update(JSON.stringify([owner, name]))
    .digest('hex')
    .slice(0, 32)}`
}

/** Of a persona for which no name was wanted. */
export const personaIdOf = ({ id }: { readonly id: string }) => id.replace(/^job-/, 'persona-')
