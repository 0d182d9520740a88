/**
 * @file Who compares what: comparisons drawn evenly over pairs of arms, shared between raters in part, sides balanced, an order for each rater,
 * checks of attention and repeats among them.
 */
import { PalignError } from '../../errors.ts'
import { checkCount, checkProbability } from '../../math/checks.ts'
import { seededRandom } from '../../math/random.ts'
import { shuffled } from '../../math/shuffle.ts'
import { unitKey } from '../units.ts'
import type { AnsweredPrompt } from './answers.ts'
import type { Comparison, KeyedTask, RatingKey, RatingPackage, RatingTask } from './package.ts'
import { shareComparisons } from './sharing.ts'

export interface DesignOptions {
  readonly raters: number
  /** Comparisons for each rater, beside repeats and checks; default 30, or all where there are fewer. */
  readonly pairs?: number | undefined
  /** Share of comparisons that at least three raters see (all raters, where there are fewer). */
  readonly overlap: number
  /** Repeats for each rater, sides exchanged, as a share of the pairs; rounded up. */
  readonly repeat: number
  /** Checks of attention for each rater, as a share of the pairs; rounded up. */
  readonly attention: number
  readonly seed: number
  readonly version: string
}

export interface RatingDesign {
  readonly package: RatingPackage
  readonly key: RatingKey
  /** Share of the comparisons that are shared as asked for, and how many there are. */
  readonly shared: number
  readonly comparisons: number
}

type Side = 'left' | 'right'
type Drawn = Comparison & { readonly texts: readonly [string, string]; readonly prompt: AnsweredPrompt }

const DEFAULT_PAIRS = 30
const MAX_RATERS = 1000
const MAX_VOTES = 50_000

/** What an inattentive rater passes over; it stands in the answer to be chosen. */
const CHECK = 'This is a check of attention: whatever you think of the two answers, choose this one.'

/** @throws PalignError `invalid-input` for shares outside 0..1 and for more pairs than there are comparisons */
export async function designRating(prompts: readonly AnsweredPrompt[], options: DesignOptions): Promise<RatingDesign> {
  const { raters, seed, version } = options
  checkCount('raters', raters, 1, MAX_RATERS)
  for (const share of ['overlap', 'repeat', 'attention'] as const) checkProbability(share, options[share])
  const random = seededRandom(seed)
  const arms = [...new Set(prompts.flatMap(({ texts }) => [...texts.keys()]))]
  const { comparisons: available, identical } = drawComparisons(prompts, arms, random)
  const pairs = options.pairs ?? Math.min(DEFAULT_PAIRS, available.length)
  checkCount('pairs of a rater', pairs, 1)
  checkCount('votes asked for', pairs * raters, 1, MAX_VOTES)
  if (pairs > available.length) {
    throw new PalignError(
      'invalid-input',
      `answers give ${available.length} comparisons, ${pairs} for each rater were asked for`,
      {
        hint: `ask for fewer --pairs or bring more answers; ${identical} pairs have the same text twice`,
      },
    )
  }
  const sharing = shareComparisons({ available: available.length, raters, pairs, overlap: options.overlap, random })
  const comparisons = available.slice(0, sharing.comparisons)
  const contents = new Map<string, { shown: Omit<RatingTask, 'task'>; entry: KeyedTask }>()
  const orders = orderTasks({ comparisons, byRater: sharing.byRater, contents, options, random })

  // Numbers say nothing about what they stand for: they are given in random order.
  const numbers = new Map(
    shuffled(contents.keys(), random).map((content, place) => [content, `t${String(place + 1).padStart(5, '0')}`]),
  )
  const named = [...numbers].map(([content, task]) => ({ task, ...contents.get(content)! }))
  const tasks = named.map(({ task, shown }) => ({ task, ...shown }))
  const width = Math.max(2, String(raters).length)
  const assignments = Object.fromEntries(
    orders.map((order, rater) => [`r${String(rater + 1).padStart(width, '0')}`, order.map((content) => numbers.get(content)!)]),
  )
  const id = (await unitKey({ tasks, assignments })).slice(0, 16)
  return {
    package: { id, tasks, assignments },
    key: {
      kind: 'rating-key',
      package: id,
      version,
      seed,
      arms,
      identicalTexts: identical,
      comparisons: comparisons.map(({ id, first, second, lengths }) => ({ id, first, second, lengths })),
      tasks: Object.fromEntries(named.map(({ task, entry }) => [task, entry])),
      assignments,
    },
    shared: sharing.shared,
    comparisons: comparisons.length,
  }
}

/** Every two answers to a prompt that differ, prompts in random order and pairs of arms in turn. */
function drawComparisons(prompts: readonly AnsweredPrompt[], arms: readonly string[], random: () => number) {
  const queues: Drawn[][] = []
  let identical = 0
  for (const [place, first] of arms.entries()) {
    for (const second of arms.slice(place + 1)) {
      const queue: Drawn[] = []
      for (const prompt of shuffled(prompts, random)) {
        const texts = [prompt.texts.get(first), prompt.texts.get(second)] as const
        if (texts[0] === undefined || texts[1] === undefined) continue
        if (texts[0] === texts[1]) identical++
        else
          queue.push({
            id: prompt.id,
            first,
            second,
            lengths: [texts[0].length, texts[1].length],
            texts: [texts[0], texts[1]],
            prompt,
          })
      }
      queues.push(queue)
    }
  }
  const longest = Math.max(...queues.map((queue) => queue.length))
  const comparisons = Array.from({ length: longest }, (_, turn) => queues.flatMap((queue) => queue[turn] ?? [])).flat()
  if (comparisons.length === 0) {
    throw new PalignError('invalid-input', `answers differ nowhere: all ${identical} pairs have the same text twice`, {
      hint: 'compare arms that say different things, or sample with another temperature',
    })
  }
  return { comparisons, identical }
}

interface Ordering {
  readonly comparisons: readonly Drawn[]
  /** Comparisons of each rater. */
  readonly byRater: readonly (readonly number[])[]
  /** Is filled with what is shown. */
  readonly contents: Map<string, { shown: Omit<RatingTask, 'task'>; entry: KeyedTask }>
  readonly options: DesignOptions
  readonly random: () => number
}

/** The contents of each rater in their order. Of every pair of arms, either stands left in turn, for each rater and over raters. */
function orderTasks({ comparisons, byRater, contents, options, random }: Ordering): string[][] {
  const nextSide = new Map<string, Side>()
  const inTurn = ({ first, second }: Comparison): Side => {
    const pair = JSON.stringify([first, second])
    const side = nextSide.get(pair) ?? (random() < 0.5 ? 'left' : 'right')
    nextSide.set(pair, opposite(side))
    return side
  }
  const show = (comparison: number, firstIs: Side) => {
    const content = `${comparison} ${firstIs}`
    contents.set(content, {
      shown: shownTask(comparisons[comparison]!, firstIs),
      entry: { kind: 'comparison', comparison, firstIs },
    })
    return content
  }
  return byRater.map((assigned) => {
    const sides = shuffled(assigned, random).map((comparison) => ({ comparison, firstIs: inTurn(comparisons[comparison]!) }))
    const half = Math.ceil(sides.length / 2)
    const repeated = shuffled(sides.slice(0, half), random).slice(0, Math.ceil(options.repeat * sides.length))
    const early = sides.slice(0, half).map(({ comparison, firstIs }) => show(comparison, firstIs))
    // Repeats come late, when the first time is some tasks ago.
    const late = shuffled(
      [...sides.slice(half), ...repeated.map(({ comparison, firstIs }) => ({ comparison, firstIs: opposite(firstIs) }))],
      random,
    ).map(({ comparison, firstIs }) => show(comparison, firstIs))
    const order = [...early, ...late]
    for (let check = 0; check < Math.ceil(options.attention * sides.length); check++) {
      const choose: Side = random() < 0.5 ? 'left' : 'right'
      const content = `check ${check} ${choose}`
      const drawn = comparisons[Math.floor(random() * comparisons.length)]!
      if (!contents.has(content)) contents.set(content, attentionTask(drawn, choose))
      order.splice(Math.floor(random() * (order.length + 1)), 0, content)
    }
    return order
  })
}

function shownTask({ prompt: { prompt, persona }, texts }: Drawn, firstIs: Side): Omit<RatingTask, 'task'> {
  const [left, right] = firstIs === 'left' ? texts : [texts[1], texts[0]]
  return { prompt, ...(persona !== undefined && { persona }), left, right }
}

function attentionTask(drawn: Drawn, choose: Side): { shown: Omit<RatingTask, 'task'>; entry: KeyedTask } {
  const shown = shownTask(drawn, 'left')
  return { shown: { ...shown, [choose]: `${shown[choose]}\n\n${CHECK}`.trimStart() }, entry: { kind: 'attention', choose } }
}

export const opposite = (side: Side): Side => (side === 'left' ? 'right' : 'left')
