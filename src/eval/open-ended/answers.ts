/** @file What every arm answers to every situation, through the chat template, as units of work. */
import { PalignError } from '../../errors.ts'
import { seededRandom } from '../../math/random.ts'
import type { LanguageModel, RunOptions } from '../../model/language-model.ts'
import { type Arm, UNSTEERED } from '../arm.ts'
import { armDigest } from '../arm-digest.ts'
import { armText, messagesFor } from '../arm-text.ts'
import { runUnits, type Unit, type UnitStore, unitKey } from '../units.ts'
import type { Situation } from './situations.ts'

/** Raised whenever the same description comes to mean another answer. */
const REVISION = 1

export interface OpenAnswer {
  readonly arm: string
  readonly situation: Situation
  /** From 0. */
  readonly sample: number
  readonly text: string
}

export interface AnswerSettings {
  /** Answers of one arm to one situation. */
  readonly samples: number
  readonly temperature: number
  readonly maxTokens: number
  readonly seed: number
}

export interface AnswerSituationsOptions extends AnswerSettings, Pick<RunOptions, 'signal' | 'onProgress'> {
  readonly model: Pick<LanguageModel, 'fingerprint' | 'generate'>
  readonly arms: readonly Arm[]
  readonly situations: readonly Situation[]
  readonly units: UnitStore
  readonly version: string
}

/** In the order of arms, situations and samples. A sample has the same seed in every arm, so that arms differ by what steers them. */
export async function answerSituations(options: AnswerSituationsOptions): Promise<OpenAnswer[]> {
  const { model, arms, situations, units, version, samples, temperature, maxTokens, seed, signal, onProgress } = options
  checkSettings(options)
  const seeds = sampleSeeds(seed, samples, situations.length)
  const planned: (Omit<OpenAnswer, 'text'> & { readonly unit: Unit })[] = []
  for (const arm of arms) {
    const digest = await armDigest(arm)
    for (const [index, situation] of situations.entries()) {
      for (let sample = 0; sample < samples; sample++) {
        // Greedy text depends on no seed.
        const drawn = temperature === 0 ? 0 : seeds[sample]![index]!
        const sampling = { temperature, maxTokens, seed: drawn }
        const messages = messagesFor(arm, situation.text)
        const description = { kind: 'open-answer', revision: REVISION, version, model: model.fingerprint, arm: digest }
        const key = await unitKey({ ...description, messages, ...sampling })
        const compute = () => armText(model, arm, situation.text, { ...sampling, signal })
        planned.push({ arm: arm.name, situation, sample, unit: { key, compute } })
      }
    }
  }
  const texts = await runUnits(
    units,
    planned.map(({ unit }) => unit),
    { signal, onProgress },
  )
  return planned.map(({ arm, situation, sample }, index) => ({ arm, situation, sample, text: texts[index]! }))
}

function checkSettings({ arms, samples, temperature }: AnswerSituationsOptions): void {
  if (arms[0]?.name !== UNSTEERED.name) {
    throw new PalignError('invalid-input', `first arm is ${arms[0]?.name ?? 'missing'}, expected ${UNSTEERED.name}`)
  }
  if (!Number.isInteger(samples) || samples < 1) {
    throw new PalignError('invalid-input', `samples number ${samples}, expected at least one`)
  }
  if (samples > 1 && temperature === 0) {
    throw new PalignError('invalid-input', `samples number ${samples} at temperature 0, where all are the same text`, {
      hint: 'give a temperature above 0, or one sample',
    })
  }
}

/** `[samples][situations]`. More samples leave the seeds of the first ones as they are, and so do more situations. */
function sampleSeeds(seed: number, samples: number, situations: number): number[][] {
  const random = seededRandom(seed)
  const whole = (next: () => number) => Math.floor(next() * 2 ** 32)
  return Array.from({ length: samples }, () => {
    const ofSample = seededRandom(whole(random))
    return Array.from({ length: situations }, () => whole(ofSample))
  })
}
