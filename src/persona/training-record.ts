/** @file What a persona that was trained says about its training. */

export interface TrainingPoint {
  /** Steps done, from 1. */
  readonly step: number
  readonly loss: number
  /** Mean reward of the sampled completions; policy methods only. */
  readonly reward?: number | undefined
  /** Mean divergence from the reference over whole completions, nats; policy methods only. */
  readonly kl?: number | undefined
}

export interface TrainingRecord {
  /** Everything that was set, by name. */
  readonly hyperparameters: Readonly<Record<string, number | string>>
  /** Steps done. */
  readonly steps: number
  readonly finalLoss: number
  /** Some of the steps, the last one among them; each stands for the mean since the one before. */
  readonly curve: readonly TrainingPoint[]
  /** Present where training was stopped because it ran away; the adapter is the one it had then. */
  readonly diverged?: { readonly step: number; readonly reason: string } | undefined
  /** Tokens through forward passes alone, this person's own. */
  readonly forwardTokens: number
  /** Tokens through forward and backward. */
  readonly trainedTokens: number
  /** Mean length of the rows that were trained on, tokens. */
  readonly meanRowTokens: number
  /** Of each row, tokens of the completion. */
  readonly meanCompletionTokens: number
  readonly adapterWeights: number
}

/** Points of a curve. */
const CURVE_POINTS = 25

/** The whole curve as at most `CURVE_POINTS` means over equally many steps. */
export function coarseCurve(points: readonly TrainingPoint[]): TrainingPoint[] {
  const width = Math.max(1, Math.ceil(points.length / CURVE_POINTS))
  return Array.from({ length: Math.ceil(points.length / width) }, (_, i) => {
    const part = points.slice(i * width, (i + 1) * width)
    const last = part.at(-1) as TrainingPoint
    const mean = (value: (point: TrainingPoint) => number | undefined) =>
      value(last) === undefined ? undefined : part.reduce((sum, point) => sum + (value(point) ?? 0), 0) / part.length
    const [reward, kl] = [mean((point) => point.reward), mean((point) => point.kl)]
    return {
      step: last.step,
      loss: mean((point) => point.loss) as number,
      ...(reward !== undefined && { reward }),
      ...(kl !== undefined && { kl }),
    }
  })
}
