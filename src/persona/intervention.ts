/** @file What a steering persona does to one head. */
import type { HeadId } from '../model/shape.ts'
import { massMeanDirection } from '../probes/direction.ts'
import type { LabelledContrasts } from '../probes/labels.ts'

export interface Intervention extends HeadId {
  /** `[headDim]`, unit length. */
  readonly direction: Float32Array
  /** Standard deviation of z along the direction: the unit in which alpha counts. */
  readonly sigma: number
}

/** The intervention that moves one head towards what the respondent said. Throws as `massMeanDirection` does. */
export function interventionAt({ layer, head }: HeadId, labelled: LabelledContrasts): Intervention {
  return { layer, head, ...massMeanDirection(labelled, { layer, head }) }
}
