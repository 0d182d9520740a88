/**
 * @file Persona statements in JSONL, as in the model-written evaluations of Perez et al. (2022): a line has `question`,
 * `label_confidence`, `answer_matching_behavior` and `answer_not_matching_behavior` (" Yes" and " No").
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { PersonaStatement } from '../items/persona-statement.ts'
import { readFileBounded } from './read-file.ts'

const MOST_BYTES = 1 << 24
const MOST_LINES = 20_000

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
  const bytes = await readFileBounded(path, MOST_BYTES)
  const lines = textOf(bytes, path).split('\n')
  if (lines.length > MOST_LINES) {
    throw new PalignError('malformed-file', `file ${path} has ${lines.length} lines, at most ${MOST_LINES} are read`)
  }
  const statements = lines.flatMap((text, i) => (text.trim() === '' ? [] : [statementOf(text, `file ${path}, line ${i + 1}`)]))
  if (statements.length === 0) throw new PalignError('malformed-file', `file ${path} holds no statement`)
  return { sha256: createHash('sha256').update(bytes).digest('hex'), statements }
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new PalignError('malformed-file', `file ${path} is no text in UTF-8`, { cause })
  }
}

function statementOf(text: string, where: string): PersonaStatement {
  const parsed = line.safeParse(parseJson(text, where))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw malformed(`${where}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
  }
  const { question, statement, label_confidence, answer_matching_behavior, answer_not_matching_behavior } = parsed.data
  if (answer_matching_behavior === answer_not_matching_behavior) {
    throw malformed(`${where}: both answers are "${answer_matching_behavior}", expected " Yes" and " No"`)
  }
  return { question, statement, matching: answer_matching_behavior === ' Yes' ? 'Yes' : 'No', confidence: label_confidence }
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed(`${where} is not valid JSON`, cause)
  }
}

function malformed(message: string, cause?: unknown): PalignError {
  return new PalignError('malformed-file', message, {
    hint: 'a line holds question, label_confidence, answer_matching_behavior and answer_not_matching_behavior',
    cause,
  })
}
