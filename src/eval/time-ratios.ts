/**
 * @file How long steering takes to find beside training: seconds per person, what all persons share left out on both sides. The paper
 * compares optimisation alone and leaves out the search for alpha; both are given here.
 */
import type { TableRow } from './table.ts'

export interface TimeRatio {
  readonly steering: string
  readonly trained: string
  /** Steps of training per person. */
  readonly steps: number | string | undefined
  /** Seconds per person: of optimisation and search, and of training. */
  readonly seconds: readonly [steering: number, trained: number]
  /** Of optimisation and search to training. */
  readonly ratio: number
  /** Of optimisation alone to training. */
  readonly optimisationRatio: number
  /** As `ratio`, of processor time, which the load of the machine hardly changes; absent where it was not measured. */
  readonly processorRatio?: number | undefined
}

/** Every variant of PAS to every method that trains, in the order of the rows. */
export function timeRatios(rows: readonly TableRow[]): TimeRatio[] {
  // What controls change costs nothing of its own.
  const steering = rows.filter(({ arm, cost }) => arm.split(':')[0] === 'pas' && (cost.alignSecondsPerPerson ?? 0) > 0)
  const trained = rows.filter(({ arm }) => arm === 'dpo' || arm === 'ppo')
  return steering.flatMap((pas) =>
    trained.map((other): TimeRatio => {
      const own = pas.cost.alignSecondsPerPerson ?? Number.NaN
      const training = other.cost.alignSecondsPerPerson ?? Number.NaN
      const [ownProcessor, trainingProcessor] = [pas, other].map(({ cost }) => cost.alignProcessorSecondsPerPerson)
      return {
        steering: pas.arm,
        trained: other.arm,
        steps: other.hyperparameters?.steps,
        seconds: [own, training],
        ratio: own / training,
        optimisationRatio: (pas.cost.optimisationSecondsPerPerson ?? Number.NaN) / training,
        ...(ownProcessor !== undefined &&
          trainingProcessor !== undefined && { processorRatio: ownProcessor / trainingProcessor }),
      }
    }),
  )
}

/** One line a pair of methods. */
export function formatTimeRatios(rows: readonly TableRow[]): string {
  return timeRatios(rows)
    .map(
      ({ steering, trained, steps, seconds: [own, training], ratio, optimisationRatio, processorRatio }) =>
        `${steering} to ${trained} (${steps} steps): ${ratio.toPrecision(3)} of the time per person, optimisation and search ${own.toPrecision(3)} s to ${training.toPrecision(3)} s; optimisation alone ${optimisationRatio.toPrecision(3)}${processorRatio === undefined ? '' : `; of processor time ${processorRatio.toPrecision(3)}`}`,
    )
    .join('\n')
}
