/** @file What an arm costs: seconds, tokens and operations, split into shared, per person (optimisation, search) and answering; bytes and memory. */
import { NO_OPTION_REWARD } from '../align/reward.ts'
import { type CountedModel, forwardFlops, type ModelUsage, trainingFlops, usageBetween } from '../model/flops.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Persona } from '../persona/persona.ts'
import type { Method } from './methods.ts'

/** Seconds, and whatever else an arm counts, by name with the unit; operations are absent where the model does not say its sizes. */
export type Cost = Readonly<Record<string, number>>

/** What the platform knows of this process. */
export interface ProcessMeter {
  /** Begins the peak anew, where the platform can. */
  resetPeak(): void
  /** Peak resident memory; it includes what earlier arms left behind. */
  peakBytes(): number
  /** Of all threads since the process began: unlike seconds on a clock, what else the machine does hardly changes it. */
  processorSeconds(): number
}

/** Bytes of what has to be kept of a person: numbers and prompt, without the record of where they came from. */
export function storedBytes(persona: Persona): number {
  switch (persona.kind) {
    case 'none':
      return 0
    case 'prompt':
      return utf8Bytes(persona.system)
    case 'steering':
    case 'prompt+steering': {
      // Directions are float32; sigma, alpha doubles; layer and head two bytes each.
      const numbers = persona.interventions.reduce((sum, { direction }) => sum + direction.length * 4 + 8 + 4, 8)
      return numbers + (persona.kind === 'prompt+steering' ? utf8Bytes(persona.system) : 0)
    }
    case 'adapter':
      return [...persona.adapter.pairs.values()].reduce((sum, { a, b }) => sum + 4 * (a.length + b.length), 0)
    default:
      return persona satisfies never
  }
}

const utf8Bytes = (text: string) => new TextEncoder().encode(text).length

const STAGES = ['shared', 'optimisation', 'search', 'answer'] as const
export type CostStage = (typeof STAGES)[number]

interface StageCost {
  seconds: number
  processorSeconds: number
  forwardTokens: number
  trainedTokens: number
  flops: number
}

export interface CostMeter {
  /** What happens from now on belongs to this stage. */
  enter(stage: CostStage): void
  /** Work of a trainer and bytes of a persona, in the stage that is on. */
  addPersona(persona: Persona): void
  addShared(method: Pick<Method, 'shared'>): void
  finish(respondents: number): Promise<Cost>
}

/** Starts in the stage `shared`. Stages end in time when the next is entered; tokens are asked for then, and counted when the answer comes. */
export async function costMeter(model: LanguageModel, process?: ProcessMeter): Promise<CostMeter> {
  const { layerWeights } = model
  const counted: CountedModel | undefined = layerWeights === undefined ? undefined : { shape: model.shape, layerWeights }
  const costs = new Map<CostStage, StageCost>(
    STAGES.map((name) => [name, { seconds: 0, processorSeconds: 0, forwardTokens: 0, trainedTokens: 0, flops: 0 }]),
  )
  process?.resetPeak()
  const processorNow = () => process?.processorSeconds() ?? 0
  // Snapshots are asked for at the moment of entering; calls to one model are answered in order.
  const snapshots: { readonly stage: CostStage; readonly usage: Promise<ModelUsage> }[] = []
  let stage: CostStage = 'shared'
  let started = performance.now()
  let processorStarted = processorNow()
  let bytes = 0
  let diverged = 0
  let unrewarded = 0
  const snapshot = () => {
    const usage = model.usage()
    // A failure is thrown where the answer is awaited; until then it must not count as unhandled.
    usage.catch(() => undefined)
    return snapshots.push({ stage, usage })
  }
  const train = (rows: Parameters<typeof trainingFlops>[1], into: CostStage) => {
    const cost = costs.get(into) as StageCost
    cost.forwardTokens += rows.forwardTokens
    cost.trainedTokens += rows.trainedTokens
    if (counted !== undefined) cost.flops += trainingFlops(counted, rows)
  }
  await snapshots[snapshot() - 1]!.usage
  started = performance.now()
  processorStarted = processorNow()
  const enter = (next: CostStage) => {
    const [now, processor] = [performance.now(), processorNow()]
    const cost = costs.get(stage) as StageCost
    cost.seconds += (now - started) / 1000
    cost.processorSeconds += processor - processorStarted
    started = now
    processorStarted = processor
    if (next === stage) return
    stage = next
    snapshot()
  }
  return {
    enter,
    addPersona(persona) {
      bytes += storedBytes(persona)
      if (persona.kind !== 'adapter' || persona.training === undefined) return
      train(persona.training, 'optimisation')
      if (persona.training.diverged !== undefined) diverged++
      if (persona.training.curve.length > 0 && persona.training.curve.every(({ reward }) => reward === NO_OPTION_REWARD))
        unrewarded++
    },
    addShared({ shared }) {
      if (shared !== undefined) train({ ...shared, trainedTokens: 0, adapterWeights: 0 }, 'shared')
    },
    async finish(respondents) {
      enter(stage)
      snapshot()
      const usages = await Promise.all(snapshots.map(({ usage }) => usage))
      snapshots.slice(0, -1).forEach(({ stage: of }, i) => {
        const used = usageBetween(usages[i]!, usages[i + 1]!)
        const cost = costs.get(of) as StageCost
        cost.forwardTokens += used.forwardTokens
        if (counted !== undefined) cost.flops += forwardFlops(counted, used)
      })
      return summary(costs, { respondents, bytes, diverged, unrewarded, counted: counted !== undefined, process })
    },
  }
}

interface Totals {
  readonly respondents: number
  readonly bytes: number
  readonly diverged: number
  readonly unrewarded: number
  readonly counted: boolean
  readonly process: ProcessMeter | undefined
}

function summary(
  costs: ReadonlyMap<CostStage, StageCost>,
  { respondents, bytes, diverged, unrewarded, counted, process }: Totals,
): Cost {
  const of = (stage: CostStage) => costs.get(stage) as StageCost
  const each = (value: number) => value / respondents
  const sum = (value: (cost: StageCost) => number) => STAGES.reduce((total, stage) => total + value(of(stage)), 0)
  return {
    sharedSeconds: of('shared').seconds,
    alignSecondsPerPerson: each(of('optimisation').seconds + of('search').seconds),
    optimisationSecondsPerPerson: each(of('optimisation').seconds),
    searchSecondsPerPerson: each(of('search').seconds),
    answerSecondsPerPerson: each(of('answer').seconds),
    totalSeconds: sum((cost) => cost.seconds),
    sharedForwardTokens: of('shared').forwardTokens,
    optimisationForwardTokensPerPerson: each(of('optimisation').forwardTokens),
    trainedTokensPerPerson: each(of('optimisation').trainedTokens),
    searchForwardTokensPerPerson: each(of('search').forwardTokens),
    answerForwardTokensPerPerson: each(of('answer').forwardTokens),
    ...(counted && {
      sharedFlops: of('shared').flops,
      optimisationFlopsPerPerson: each(of('optimisation').flops),
      searchFlopsPerPerson: each(of('search').flops),
      answerFlopsPerPerson: each(of('answer').flops),
      totalFlops: sum((cost) => cost.flops),
    }),
    storedBytesPerPerson: each(bytes),
    ...(process && {
      alignProcessorSecondsPerPerson: each(of('optimisation').processorSeconds + of('search').processorSeconds),
      peakMemoryBytes: process.peakBytes(),
    }),
    ...(diverged > 0 && { divergedPersons: diverged }),
    ...(unrewarded > 0 && { unrewardedPersons: unrewarded }),
  }
}

/**
 * The cost of a run from those of its parts, each measured alone.
 * @param persons of one respondent each; where one part serves several respondents it is given once
 */
export function sumOfCosts(shared: Cost, persons: readonly Cost[], respondents: number): Cost {
  const all = [shared, ...persons]
  const names = new Set(all.flatMap((cost) => Object.keys(cost)))
  const total = (name: string): number => {
    const values = all.map((cost) => cost[name] ?? 0)
    if (name.startsWith('shared')) return shared[name] ?? 0
    if (name.startsWith('peak')) return Math.max(...values)
    const sum = values.reduce((a, b) => a + b, 0)
    return name.endsWith('PerPerson') ? sum / respondents : sum
  }
  return Object.fromEntries([...names].map((name) => [name, total(name)]))
}
