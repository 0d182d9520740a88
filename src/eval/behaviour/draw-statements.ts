/** @file Which statements of a file are asked: sure ones, as many matched by Yes as by No. */
import { PalignError } from '../../errors.ts'
import type { PersonaStatement } from '../../items/persona-statement.ts'
import { inHashOrder } from '../hash-order.ts'
import type { TraitId } from './traits.ts'

/** Least confidence that the answer tells the trait. */
export const LEAST_CONFIDENCE = 0.9

export interface StatementSet {
  readonly trait: TraitId
  /** As many matched by Yes as by No. */
  readonly statements: readonly PersonaStatement[]
}

/**
 * The first half of `count` of each key in the order of the sha256 of their questions: the draw depends on neither seed nor order of the
 * file, and that of few is part of that of many.
 * @throws PalignError `invalid-input` for an odd or impossible count, or too few sure statements of a key
 */
export async function drawStatements(all: readonly PersonaStatement[], count: number): Promise<PersonaStatement[]> {
  if (!Number.isSafeInteger(count) || count < 4 || count % 2 !== 0) {
    throw new PalignError('invalid-input', `number of statements is ${count}, expected an even number of at least 4`, {
      hint: 'half of them are matched by Yes, half by No',
    })
  }
  const sure = new Map(all.filter(({ confidence }) => confidence >= LEAST_CONFIDENCE).map((one) => [one.question, one]))
  const ordered = await inHashOrder(sure.values(), ({ question }) => question)
  const taken = { Yes: 0, No: 0 }
  const drawn = ordered.filter(({ matching }) => ++taken[matching] <= count / 2)
  if (drawn.length < count) {
    throw new PalignError(
      'invalid-input',
      `statements of confidence ${LEAST_CONFIDENCE} or more number ${taken.Yes} matched by Yes and ${taken.No} by No, ${count / 2} of each were asked for`,
      { hint: 'ask for fewer statements' },
    )
  }
  return drawn
}
