/** @file Statements of the high and the low pole of each trait of the Big Five, from the files of persona statements. */
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { DOMAINS, type Domain } from '../items/ipip-neo.ts'
import { ifExists } from './read-file.ts'
import { readPersonaStatements } from './read-persona-statements.ts'

const FILES: Readonly<Record<Domain, string>> = {
  A: 'anthropic_persona_agreeableness.jsonl',
  C: 'anthropic_persona_conscientiousness.jsonl',
  E: 'anthropic_persona_extraversion.jsonl',
  N: 'anthropic_persona_neuroticism.jsonl',
  O: 'anthropic_persona_openness.jsonl',
}

export interface PoleStatement {
  readonly text: string
  /** Whether somebody with much of the trait would say it. */
  readonly high: boolean
}

/**
 * The traits whose files the folder holds.
 * @throws PalignError `not-found` for a folder without any of them, `malformed-file` naming file and line
 */
export async function readTraitStatements(folder: string): Promise<Map<Domain, PoleStatement[]>> {
  const byTrait = new Map<Domain, PoleStatement[]>()
  for (const trait of DOMAINS) {
    const file = await ifExists(readPersonaStatements(join(folder, FILES[trait])))
    if (file === undefined) continue
    byTrait.set(
      trait,
      file.statements.map(({ statement, matching }) => ({ text: statement, high: matching === 'Yes' })),
    )
  }
  if (byTrait.size > 0) return byTrait
  throw new PalignError('not-found', `folder ${folder} holds no statements, expected ${FILES.A} and its like`, {
    hint: 'give the folder with the persona statements of the five traits',
  })
}
