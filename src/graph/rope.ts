/** @file Rotary position embedding (Su et al. 2021, arXiv 2104.09864): frequencies, their scalings, and the tables of a context. */
import type { RopeConfig, RopeScaling } from './rope-config.ts'

/** Angle per position of each of the `headDim / 2` pairs, in radians. Pair i is made of components i and i + headDim / 2. */
export function inverseFrequencies({ theta, scaling }: RopeConfig, headDim: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => scaled(theta ** (-(2 * i) / headDim), i, scaling))
}

/** Cosine and sine of every position and pair: two tables `[positions, headDim / 2]`. */
export function rotaryTables(rope: RopeConfig, headDim: number, positions: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(rope, headDim)
  const pairs = frequencies.length
  const cos = new Float32Array(positions * pairs)
  const sin = new Float32Array(positions * pairs)
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * frequencies[pair]!
      cos[position * pairs + pair] = Math.cos(angle)
      sin[position * pairs + pair] = Math.sin(angle)
    }
  }
  return { cos, sin }
}

function scaled(frequency: number, pair: number, scaling: RopeScaling): number {
  switch (scaling.kind) {
    case 'default':
      return frequency
    case 'linear':
      return frequency / scaling.factor
    case 'llama3': {
      // Llama 3.1: pairs that turn often within the original context keep their frequency, pairs that turn seldom are
      // divided by the factor, and those between are blended by how often they turn.
      const turns = (scaling.originalContext * frequency) / (2 * Math.PI)
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling
      const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)))
      return kept * frequency + ((1 - kept) * frequency) / factor
    }
    case 'factors':
      return frequency / scaling.factors[pair]!
    default:
      return scaling satisfies never
  }
}
