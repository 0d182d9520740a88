/** @file Which side of each contrast pair said what the person said. */
import { PalignError } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import type { Worded } from '../items/questionnaire.ts'
import type { HeadActivations, RecordedContrasts } from './head-activations.ts'

/** The rows of one person: activations are shared with all others. */
export interface LabelledContrasts {
  readonly activations: HeadActivations
  /** `[rows]`: samples of the activations. */
  readonly rows: readonly number[]
  /** `[rows]`: 1 where the sample says what the person said. */
  readonly labels: Uint8Array
  /** `[rows]` */
  readonly itemNumbers: readonly number[]
}

/** Missing and neutral answers give no row: neither side said what the person said. */
export function labelContrasts(
  { samples, activations }: RecordedContrasts,
  answers: Worded,
  known: KnownItems,
): LabelledContrasts {
  const allowed = new Set(known.items.map((item) => item.itemNumber))
  const rows: number[] = []
  const labels: number[] = []
  samples.forEach(({ itemNumber, says }, row) => {
    const answer = answers.byItem.get(itemNumber)
    if (!allowed.has(itemNumber) || answer === undefined || answer === 3) return
    rows.push(row)
    labels.push(answer > 3 === (says === 'agreement') ? 1 : 0)
  })
  if (rows.length === 0) {
    throw new PalignError('invalid-input', `answers to the ${known.items.length} known items are all neutral or missing`, {
      hint: 'PAS needs items with which the person agrees or disagrees',
    })
  }
  return { activations, rows, labels: Uint8Array.from(labels), itemNumbers: rows.map((row) => samples[row]!.itemNumber) }
}
