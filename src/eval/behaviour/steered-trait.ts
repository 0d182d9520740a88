/**
 * @file The unit of work of the trait level: everything that is measured of steering one trait. Its two personas, the dose-response of
 * each, what they do to all measured traits at dose 1, and what random directions of the same size do to the steered one.
 */
import { throwIfAborted } from '../../errors.ts'
import { seededRandom } from '../../math/random.ts'
import { mean } from '../../math/statistics.ts'
import type { LanguageModel, RunOptions } from '../../model/language-model.ts'
import { randomPersona } from '../../persona/controls.ts'
import type { SteeringPersona } from '../../persona/persona.ts'
import { armOf } from '../arm.ts'
import type { StrengthMeter } from '../steering-strength.ts'
import { type AskedStatements, askStatements, type StatementScores, signedScores, spreadOfScores } from './ask-statements.ts'
import {
  antiSteeredShare,
  DOSES,
  type DosePoint,
  type DoseSummary,
  doseUnit,
  POLES,
  type Pole,
  summariseDoses,
} from './dose-response.ts'
import type { PolePersonas } from './poles.ts'
import type { TraitId } from './traits.ts'

export interface PoleDoses extends DoseSummary {
  readonly trait: TraitId
  readonly pole: Pole
  /** As the search on tuning items chose it; where it is 0, dose 1 is `DEFAULT_UNIT`. */
  readonly alpha: number
  readonly points: readonly DosePoint[]
  /** Share of the trait's statements moved away from the pole at dose 1. */
  readonly antiSteered: number
}

export interface RandomControl {
  readonly trait: TraitId
  readonly seed: number
  /** As an effect of leakage, of the same alphas in the same heads along a random direction; null where the scores have no spread. */
  readonly effect: number | null
}

export interface SteeredTrait {
  readonly doses: readonly PoleDoses[]
  readonly controls: readonly RandomControl[]
  /** `[measured]`: mean score under the high persona less that under the low one at dose 1, in spreads of the unsteered scores. */
  readonly effects: readonly (number | null)[]
}

export interface SteeredTraitContext {
  readonly model: LanguageModel
  readonly meter: StrengthMeter
  /** Statements of all measured traits, and the unsteered scores of them. */
  readonly asked: readonly AskedStatements[]
  readonly base: readonly StatementScores[]
  readonly seed: number
  /** How many random directions. */
  readonly random: number
  readonly signal?: RunOptions['signal']
  /** Told after every time that statements were asked; `stepsOfTrait` times in all. */
  readonly onStep?: (() => void) | undefined
}

/** How often statements are asked for one trait: at every dose but 0 of both poles, and with both poles of every random direction. */
export const stepsOfTrait = (random: number) => POLES.length * (DOSES.length - 1 + random)

export async function measureSteeredTrait(
  trait: TraitId,
  personas: PolePersonas,
  context: SteeredTraitContext,
): Promise<SteeredTrait> {
  const { asked, base } = context
  const own = asked.findIndex((set) => set.trait === trait)
  const high = await measurePole(trait, 'high', personas.high, context)
  const low = await measurePole(trait, 'low', personas.low, context)
  const controls: RandomControl[] = []
  for (let k = 0; k < context.random; k++) {
    const seed = context.seed * 1_000_003 + k
    const scores = (pole: Pole) => randomScores(personas[pole], pole, seed, asked[own]!, context)
    controls.push({ trait, seed, effect: effectOf(await scores('high'), await scores('low'), base[own]!) })
  }
  return {
    doses: [high.doses, low.doses],
    controls,
    effects: base.map((unsteered, j) => effectOf(high.atOne[j]!, low.atOne[j]!, unsteered)),
  }
}

/** Dose-response of one persona, and the scores of all measured traits at dose 1. */
async function measurePole(trait: TraitId, pole: Pole, persona: SteeringPersona, context: SteeredTraitContext) {
  const { meter, asked, base } = context
  const own = asked.findIndex((set) => set.trait === trait)
  const unit = doseUnit(persona.alpha)
  const points: DosePoint[] = []
  let atOne = base
  for (const dose of DOSES) {
    const alpha = dose === 0 ? 0 : dose * unit
    // Other traits are asked about at full dose only.
    const wanted = dose === 1 ? asked : [asked[own]!]
    const scores = dose === 0 ? [base[own]!] : await scoresUnder(persona, alpha, wanted, context)
    if (dose === 1) atOne = scores
    const { steering } = armOf(persona.method, persona, context.model, { alpha })
    const score = mean(signedScores(scores[dose === 1 ? own : 0]!))
    points.push({ dose, alpha, klP95: dose === 0 ? 0 : await meter.of(steering), score })
  }
  const antiSteered = antiSteeredShare(signedScores(base[own]!), signedScores(atOne[own]!), pole)
  const doses: PoleDoses = { trait, pole, alpha: persona.alpha, points, ...summariseDoses(points, pole), antiSteered }
  return { doses, atOne }
}

/** The same seed draws one direction for both poles, and the low one goes against it: as the directions of the two personas do. */
async function randomScores(
  persona: SteeringPersona,
  pole: Pole,
  seed: number,
  asked: AskedStatements,
  context: SteeredTraitContext,
): Promise<StatementScores> {
  const drawn = randomPersona(persona, seededRandom(seed))
  const unit = doseUnit(persona.alpha)
  const [scores] = await scoresUnder(drawn, pole === 'high' ? unit : -unit, [asked], context)
  return scores!
}

async function scoresUnder(
  persona: SteeringPersona,
  alpha: number,
  asked: readonly AskedStatements[],
  { model, signal, onStep }: SteeredTraitContext,
): Promise<StatementScores[]> {
  throwIfAborted(signal)
  const { steering } = armOf(persona.method, persona, model, { alpha })
  const scores = await askStatements(model, asked, { ...steering, signal })
  onStep?.()
  return scores
}

function effectOf(high: StatementScores, low: StatementScores, unsteered: StatementScores): number | null {
  const spread = spreadOfScores(unsteered)
  return spread === 0 ? null : (mean(signedScores(high)) - mean(signedScores(low))) / spread
}
