/**
 * @file `.svec`, JSON of head-level steering vectors (AISteer360, IBM): per layer `[heads][headDim]` in z, the input of o_proj, layers and
 * heads from 0. As there a row is sigma * direction and the strength is multiplied at run time, so its strength is our alpha; heads
 * that are not moved have rows of zeros. What the public layout has no place for (alpha, sigmas, model) stands under `palign`, which
 * its readers do not look at.
 */
import type { HeadId } from '../model/shape.ts'
import { assertVectorSource, type ExportFile, textFile, type VectorSource } from './export-file.ts'

export const SVEC_FORMAT = 1

/** `layer:head`, as the public layout names heads. */
export function headKey({ layer, head }: HeadId): string {
  return `${layer}:${head}`
}

export function writeSvec(source: VectorSource): ExportFile[] {
  assertVectorSource(source)
  const { name, persona, shape, modelType, probes } = source
  const rows = summedRows(source)
  const directions: Record<string, number[][]> = {}
  const sigmas: Record<string, number> = {}
  for (const { layer, head, row } of rows.values()) {
    directions[layer] ??= Array.from({ length: shape.heads }, () => Array<number>(shape.headDim).fill(0))
    directions[layer][head] = Array.from(row)
    sigmas[headKey({ layer, head })] = Math.hypot(...row)
  }
  for (const intervention of persona.interventions) {
    // One intervention on a head: its own sigma, in full precision; the length of its row is the same but for rounding.
    if (rows.get(headKey(intervention))!.count === 1) sigmas[headKey(intervention)] = intervention.sigma
  }
  const { method, model, site, alpha, provenance } = persona
  const known = probes?.filter((probe) => rows.has(headKey(probe)))
  const json = {
    model_type: modelType,
    directions,
    num_heads: shape.heads,
    head_dim: shape.headDim,
    ...(known !== undefined && {
      probe_accuracies: Object.fromEntries(known.map((probe) => [headKey(probe), probe.validationAccuracy])),
    }),
    palign: { format: SVEC_FORMAT, method, model, site, alpha, sigmas, provenance },
  }
  return [textFile(`${name}.svec`, `${JSON.stringify(json)}\n`)]
}

interface Row extends HeadId {
  /** `[headDim]`: sigma * direction, in doubles so that the direction comes back to the bit. */
  readonly row: Float64Array
  readonly count: number
}

/** Interventions on one head add up. */
function summedRows({ persona, shape }: VectorSource): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>()
  for (const { layer, head, direction, sigma } of persona.interventions) {
    const key = headKey({ layer, head })
    const { row, count } = rows.get(key) ?? { row: new Float64Array(shape.headDim), count: 0 }
    for (let j = 0; j < row.length; j++) row[j]! += sigma * direction[j]!
    rows.set(key, { layer, head, row, count: count + 1 })
  }
  return rows
}
