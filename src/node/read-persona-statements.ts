/**
 * @file Persona statements in JSONL, as in the model-written evaluations of Perez et al. (2022): a line has `question`, `statement`,
 * `label_confidence`, `answer_matching_behavior` and `answer_not_matching_behavior` (" Yes" and " No").
 */
import { z } from 'zod'
import { at, PalignError } from '../errors.ts'
import type { PersonaStatement } from '../items/persona-statement.ts'
import { readJsonLines } from './read-json-lines.ts'

const LIMITS = { maxBytes: 1 << 24, maxRows: 20_000 }

const answer = z.enum([' Yes', ' No'])
const line = z.object({
  question: z.string().trim().min(1).max(4000),
  statement: z.string().trim().min(1).max(4000),
  label_confidence: z.number().min(0).max(1),
  answer_matching_behavior: answer,
  answer_not_matching_behavior: answer,
})

export interface StatementFile {
  /** Of the bytes, in hexadecimal. */
  readonly sha256: string
  readonly statements: readonly PersonaStatement[]
}

/** Empty lines are passed over. @throws PalignError `not-found`; `malformed-file` naming file and line */
export async function readPersonaStatements(path: string): Promise<StatementFile> {
  const { rows, sha256 } = await readJsonLines(path, LIMITS)
  return {
    sha256,
    statements: rows.map(({ line: number, value }) => at(`file ${path}, line ${number}`, () => statementOf(value))),
  }
}

function statementOf(value: unknown): PersonaStatement {
  const parsed = line.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw malformed(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
  }
  const { question, statement, label_confidence, answer_matching_behavior, answer_not_matching_behavior } = parsed.data
  if (answer_matching_behavior === answer_not_matching_behavior) {
    throw malformed(`both answers are "${answer_matching_behavior}", expected " Yes" and " No"`)
  }
  return { question, statement, matching: answer_matching_behavior === ' Yes' ? 'Yes' : 'No', confidence: label_confidence }
}

function malformed(message: string): PalignError {
  return new PalignError('malformed-file', message, {
    hint: 'a line holds question, statement, label_confidence, answer_matching_behavior and answer_not_matching_behavior',
  })
}
