/** @file Which heads carry people's answers: accuracy of the probes and how often each head was chosen, over respondents. */
import { mean } from '../math/statistics.ts'
import type { ModelShape } from '../model/shape.ts'
import type { AlignUnit } from './answer-unit.ts'

export interface HeadMap {
  readonly layers: number
  readonly heads: number
  /** `[layers][heads]`: mean validation accuracy of the head's probe. */
  readonly accuracy: readonly (readonly number[])[]
  /** `[layers][heads]`: share of respondents for whom the head was chosen. */
  readonly chosen: readonly (readonly number[])[]
}

/** `undefined` for methods without probes. */
export function headMap(
  units: readonly AlignUnit[],
  { layers, heads }: Pick<ModelShape, 'layers' | 'heads'>,
): HeadMap | undefined {
  const probed = units.filter(({ accuracies }) => accuracies !== undefined)
  if (probed.length === 0) return undefined
  const isChosen = ({ persona }: AlignUnit, layer: number, head: number) =>
    persona !== undefined &&
    'interventions' in persona &&
    persona.interventions.some((intervention) => intervention.layer === layer && intervention.head === head)
  const each = (of: (unit: AlignUnit, layer: number, head: number) => number) =>
    Array.from({ length: layers }, (_, layer) =>
      Array.from({ length: heads }, (_, head) => mean(probed.map((unit) => of(unit, layer, head)))),
    )
  return {
    layers,
    heads,
    accuracy: each(({ accuracies }, layer, head) => accuracies![layer * heads + head]!),
    chosen: each((unit, layer, head) => Number(isChosen(unit, layer, head))),
  }
}
