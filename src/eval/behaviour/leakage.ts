/**
 * @file What steering one trait does to the others. In people traits go together: somebody made more conscientious by E is, by what is known
 * of people, less neurotic by .584 E. That much is human-like; the rest is excess.
 *
 *     excess[i][j] = effect[i][j] - r[i][j] effect[i][i]        r the correlation of the two traits over persons
 */
import { mean } from '../../math/statistics.ts'
import { humanCorrelation, type TraitId } from './traits.ts'

export interface Leakage {
  readonly steered: readonly TraitId[]
  readonly measured: readonly TraitId[]
  /** `[steered, measured]`: mean score under the high persona less that under the low one, in spreads of the unsteered scores; null where they have none. */
  readonly effects: readonly (readonly (number | null)[])[]
  /** Mean absolute effect on other traits over mean absolute effect on the steered one; null where there is no other, or no effect. */
  readonly offDiagonalRatio: number | null
  /** `[steered, measured]`; 0 on the diagonal, null where the correlation over persons is not known. */
  readonly excess: readonly (readonly (number | null)[])[]
}

/** @param effects `[steered, measured]`; every steered trait is measured */
export function leakageOf(steered: readonly TraitId[], measured: readonly TraitId[], effects: Leakage['effects']): Leakage {
  const own = steered.map((trait, i) => effects[i]![measured.indexOf(trait)] ?? null)
  const isOwn = (i: number, j: number) => measured[j] === steered[i]
  const sizes = (diagonal: boolean) =>
    effects.flatMap((row, i) =>
      row.flatMap((effect, j) => (effect === null || isOwn(i, j) !== diagonal ? [] : [Math.abs(effect)])),
    )
  const ratio = mean(sizes(false)) / mean(sizes(true))
  return {
    steered,
    measured,
    effects,
    offDiagonalRatio: Number.isFinite(ratio) ? ratio : null,
    excess: effects.map((row, i) =>
      row.map((effect, j) => {
        const r = humanCorrelation(steered[i]!, measured[j]!)
        return effect === null || own[i] === null || r === undefined ? null : effect - r * own[i]!
      }),
    ),
  }
}
