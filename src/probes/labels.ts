/** @file The meeting of a recording with one respondent: which samples say what this person said. */
import type { ContrastSample, HeadActivations, RecordedContrasts } from '../activations/head-activations.ts'
import { PalignError } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import type { Worded } from '../items/questionnaire.ts'

/** Rows of samples with their labels. Row r is sample `samples[r]` of the activations. */
export interface LabelledContrasts {
  readonly activations: HeadActivations
  /** `[rows]` */
  readonly samples: Int32Array
  /** `[rows]`, 1 where the sample says what the respondent said, 0 where it says the opposite. */
  readonly labels: Uint8Array
  /** `[rows]` */
  readonly itemNumbers: Int32Array
}

export interface LabelOptions {
  /** Option orders to use. Both by default, which cancels what belongs to the letters; the published method has the descending one only. */
  readonly orders?: readonly ContrastSample['order'][] | undefined
  /** Only samples of these items; all recorded ones when absent. */
  readonly items?: KnownItems | undefined
}

/**
 * Labels the samples of all items that the respondent neither skipped nor answered with 3.
 * @throws PalignError `too-few-answers` when no such item was recorded, `invalid-input` when an item was not recorded in agreement and in
 * disagreement equally often in each order.
 */
export function labelContrasts(
  { samples: described, activations }: RecordedContrasts,
  answers: Worded,
  { orders = ['descending', 'ascending'], items }: LabelOptions = {},
): LabelledContrasts {
  const allowed = items && new Set(items.items.map((item) => item.itemNumber))
  const samples: number[] = []
  const labels: number[] = []
  const itemNumbers: number[] = []
  const balance = new Map<string, number>()
  for (const [sample, { itemNumber, says, order }] of described.entries()) {
    const answer = answers.byItem.get(itemNumber)
    if (answer === undefined || answer === 3 || !orders.includes(order) || allowed?.has(itemNumber) === false) continue
    samples.push(sample)
    labels.push(answer > 3 === (says === 'agreement') ? 1 : 0)
    itemNumbers.push(itemNumber)
    const group = `item ${itemNumber} in ${order} order`
    balance.set(group, (balance.get(group) ?? 0) + (says === 'agreement' ? 1 : -1))
  }
  if (samples.length === 0) {
    throw new PalignError(
      'too-few-answers',
      'answers to the recorded items are all missing or 3, expected some that take a side',
      {
        hint: 'personalities are found from answers other than 3',
      },
    )
  }
  for (const [group, surplus] of balance) {
    if (surplus !== 0) {
      throw new PalignError('invalid-input', `recording of ${group} is unbalanced, expected as many agreements as disagreements`)
    }
  }
  return {
    activations,
    samples: Int32Array.from(samples),
    labels: Uint8Array.from(labels),
    itemNumbers: Int32Array.from(itemNumbers),
  }
}
