/** @file Statements of the high and the low pole of each trait, in the JSONL form of Anthropic's model-written persona evaluations. */
import { join } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { DOMAINS, type Domain } from '../items/ipip-neo.ts'
import { ifExists, readFileBounded } from './read-file.ts'

const MAX_BYTES = 16 << 20
const MAX_ROWS = 20_000

const FILES: Readonly<Record<Domain, string>> = {
  A: 'anthropic_persona_agreeableness.jsonl',
  C: 'anthropic_persona_conscientiousness.jsonl',
  E: 'anthropic_persona_extraversion.jsonl',
  N: 'anthropic_persona_neuroticism.jsonl',
  O: 'anthropic_persona_openness.jsonl',
}

const answer = z.string().transform((text) => text.trim())
const row = z.looseObject({
  statement: z.string().min(1).max(2000),
  answer_matching_behavior: answer.pipe(z.enum(['Yes', 'No'])),
})

export interface PoleStatement {
  readonly text: string
  /** Whether somebody with much of the trait would say it. */
  readonly high: boolean
}

/**
 * The traits whose files the folder holds. Errors name file and line.
 * @throws PalignError `not-found` for a folder without any of them, `malformed-file`
 */
export async function readTraitStatements(folder: string): Promise<Map<Domain, PoleStatement[]>> {
  const byTrait = new Map<Domain, PoleStatement[]>()
  for (const trait of DOMAINS) {
    const path = join(folder, FILES[trait])
    const bytes = await ifExists(readFileBounded(path, MAX_BYTES))
    if (bytes !== undefined) byTrait.set(trait, statementsOf(bytes, path))
  }
  if (byTrait.size > 0) return byTrait
  throw new PalignError('not-found', `folder ${folder} holds no statements, expected ${FILES.A} and its like`, {
    hint: 'give the folder with the persona statements of the five traits',
  })
}

function statementsOf(bytes: Uint8Array, path: string): PoleStatement[] {
  const lines = textOf(bytes, path).split('\n')
  if (lines.length > MAX_ROWS + 1) {
    throw new PalignError('malformed-file', `file ${path} has ${lines.length} lines, at most ${MAX_ROWS} are read`)
  }
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [statementOf(line, `file ${path}, line ${index + 1}`)]))
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new PalignError('malformed-file', `file ${path} is not UTF-8`, { cause })
  }
}

function statementOf(line: string, place: string): PoleStatement {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw new PalignError('malformed-file', `${place} is no JSON`, { cause, hint: 'statements stand one JSON object a line' })
  }
  const parsed = row.safeParse(json)
  if (parsed.success) return { text: parsed.data.statement, high: parsed.data.answer_matching_behavior === 'Yes' }
  const [issue] = parsed.error.issues
  throw new PalignError('malformed-file', `${place}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`, {
    hint: 'expected "statement" and "answer_matching_behavior", which is Yes or No',
  })
}
