/**
 * @file Whether an export does what the steered engine does: next-token distributions of both, of the base model and of the same export at alpha 0, compared
 * by total variation, TV(p, q) = sum |p - q| / 2, at every probed place. A persona that a target ignores gives fluent text and no error.
 */
import { PalignError } from '../errors.ts'

/** A prompt and the places whose next token is compared: the distribution after tokens[0..place]. */
export interface Probe {
  readonly tokens: readonly number[]
  readonly places: readonly number[]
}

/** Log-probabilities `[vocabSize]` (nats) for each place of each probe, in order. */
export type Distributions = readonly (readonly Float64Array[])[]

export interface Distance {
  /** Largest over all places. */
  readonly totalVariation: number
  readonly meanTotalVariation: number
  /** Largest difference of log-probabilities of a token that either gives at least one in ten thousand. */
  readonly logProbability: number
}

export interface Compared {
  readonly exportToSteered: Distance
  readonly exportToBase: Distance
  readonly steeredToBase: Distance
  /** The same export with alpha 0 to the base model of our engine: what the target itself rounds. */
  readonly zeroToBase: Distance
}

/** How narrow the numbers of a target are: floats must agree, narrow ones within a share of what steering does. */
export type Precision = 'float' | 'narrow'

/** Tokens rarer than this have log-probabilities that rounding moves, and no say in a text. */
const RARE = Math.log(1e-4)
/** Caches of float16 alone give up to 2e-4 on the small models measured. */
export const FLOAT_TOLERANCE = 1e-3
const NARROW_SHARE = 0.05
/** An ignored persona has a distance to the steered engine of all that steering does; half of it tells the two apart. */
const DISTINCT_SHARE = 0.5
/** Below this, two float distributions are the same. */
const SAME = 1e-9

export function compareDistributions(a: Distributions, b: Distributions): Distance {
  const places = a.flatMap((ofProbe, i) => ofProbe.map((values, j) => distance(values, b[i]?.[j])))
  if (places.length === 0) throw new PalignError('invalid-input', 'distributions are none, expected at least one')
  const largest = (key: 'totalVariation' | 'logProbability') => Math.max(...places.map((place) => place[key]))
  return {
    totalVariation: largest('totalVariation'),
    meanTotalVariation: places.reduce((sum, { totalVariation }) => sum + totalVariation, 0) / places.length,
    logProbability: largest('logProbability'),
  }
}

function distance(a: Float64Array, b: Float64Array | undefined): Pick<Distance, 'totalVariation' | 'logProbability'> {
  if (b === undefined || a.length !== b.length) {
    throw new PalignError('engine-failed', `target has ${b?.length ?? 0} tokens, expected ${a.length}`, {
      hint: 'the exported vocabulary differs from that of the model',
    })
  }
  let sum = 0
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    sum += Math.abs(Math.exp(a[i]!) - Math.exp(b[i]!))
    if (Math.max(a[i]!, b[i]!) > RARE) largest = Math.max(largest, Math.abs(a[i]! - b[i]!))
  }
  if (Number.isNaN(sum)) throw new PalignError('non-finite', 'probabilities of the export are not finite')
  return { totalVariation: sum / 2, logProbability: largest }
}

/**
 * Undefined where the export may be trusted, else what is wrong with it. The export must answer as the steered engine; where that differs from the base model, it
 * must be nearer to it than an export that ignored the persona would be; and without the persona it must answer as the base model.
 */
export function faultOf(
  { exportToSteered, exportToBase, steeredToBase, zeroToBase }: Compared,
  precision: Precision,
): string | undefined {
  const [toSteered, toBase] = [exportToSteered.totalVariation, exportToBase.totalVariation]
  const [effect, rounding] = [steeredToBase.totalVariation, zeroToBase.totalVariation]
  if (precision === 'float' && rounding > FLOAT_TOLERANCE) {
    return `export with alpha 0 differs from the base model by a total variation of ${shown(rounding)}, expected at most ${FLOAT_TOLERANCE}`
  }
  if (effect <= SAME) {
    return toBase <= rounding + SAME || toSteered <= FLOAT_TOLERANCE
      ? undefined
      : `export differs from the base model by ${shown(toBase)} although the persona changes nothing`
  }
  if (toSteered > DISTINCT_SHARE * effect) {
    const ignored = toBase <= rounding + DISTINCT_SHARE * effect
    return ignored
      ? `export answers as the base model (total variation ${shown(toBase)}), the steered engine does not (${shown(effect)}): the target ignores the persona`
      : `export is ${shown(toSteered)} away from the steered engine, where steering does no more than ${shown(effect)}`
  }
  // Rounding of narrow numbers hits one place or another: there the means of all are compared.
  const key = precision === 'float' ? 'totalVariation' : 'meanTotalVariation'
  const most = precision === 'float' ? FLOAT_TOLERANCE : NARROW_SHARE * steeredToBase[key] + zeroToBase[key]
  return exportToSteered[key] <= most
    ? undefined
    : `export is a total variation of ${shown(exportToSteered[key])} away from the steered engine, expected at most ${shown(most)}`
}

export const shown = (distance: number) => (distance === 0 ? '0' : distance.toPrecision(2))
