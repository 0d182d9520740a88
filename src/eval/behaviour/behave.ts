/**
 * @file The behaviour run: what a model says to statements that no persona has seen, unsteered, steered towards either end of every trait,
 * and steered by the personas of persons.
 */

import type { PrepareOptions } from '../../align/pas.ts'
import { PalignError } from '../../errors.ts'
import type { LanguageModel } from '../../model/language-model.ts'
import { type OnStage, silently } from '../stage.ts'
import { type StrengthMeter, strengthMeter } from '../steering-strength.ts'
import { memoryUnits, readUnit, runUnits, type UnitStore, unitKey } from '../units.ts'
import { type AskedStatements, askStatements, renderStatements, type TraitBehaviour, traitBehaviour } from './ask-statements.ts'
import { DEFAULT_UNIT } from './dose-response.ts'
import type { StatementSet } from './draw-statements.ts'
import { type Leakage, leakageOf } from './leakage.ts'
import { behaviourOfPersons, type PersonBehaviour, type PersonsOptions } from './persons.ts'
import { alignPoles } from './poles.ts'
import { measureSteeredTrait, type PoleDoses, type RandomControl, type SteeredTrait, stepsOfTrait } from './steered-trait.ts'
import type { SteerableTrait } from './traits.ts'

/** Raised whenever the same description comes to mean other numbers. */
const REVISION = 1

export interface BehaveOptions {
  readonly model: LanguageModel
  /** One set for every trait that is measured. */
  readonly statements: readonly StatementSet[]
  /** Traits that are steered: some of those measured. */
  readonly steerable: readonly SteerableTrait[]
  /** Random directions for each steered trait. */
  readonly random: number
  readonly seed: number
  /** Persons whose personas are measured; default nobody. */
  readonly persons?:
    | Omit<PersonsOptions, 'model' | 'statements' | 'units' | 'version' | 'seed' | 'store' | 'signal' | 'onStage'>
    | undefined
  /** Where finished work is found and kept; default: for this run alone. */
  readonly units?: UnitStore | undefined
  /** Of the program: units of another one are not used. */
  readonly version?: string | undefined
  /** Where activations are kept between runs; default nowhere. */
  readonly store?: PrepareOptions['store']
  readonly signal?: AbortSignal | undefined
  readonly onStage?: OnStage | undefined
}

export interface BehaviourMeasures {
  readonly base: readonly TraitBehaviour[]
  readonly doses: readonly PoleDoses[]
  readonly controls: readonly RandomControl[]
  /** Null where no trait was steered. */
  readonly leakage: Leakage | null
  /** Null where no persons were given. */
  readonly persons: readonly PersonBehaviour[] | null
  /** What was not done, and why. */
  readonly skipped: readonly string[]
}

/** @throws PalignError `invalid-input` for a trait that is steered and not measured */
export async function behave(options: BehaveOptions): Promise<BehaviourMeasures> {
  const { model, statements, steerable, persons, seed, version, store, signal, units = memoryUnits() } = options
  const { onStage = silently } = options
  const measured = statements.map(({ trait }) => trait)
  const unmeasured = steerable.find(({ trait }) => !measured.includes(trait))
  if (unmeasured !== undefined) {
    throw new PalignError('invalid-input', `trait ${unmeasured.trait} is steered but has no statements`)
  }
  const stage = onStage('unsteered')
  const asked: AskedStatements[] = []
  for (const set of statements) asked.push(await renderStatements(model, set, { signal }))
  const base = await askStatements(model, asked, { signal, onProgress: stage.update })
  stage.end()

  const traits = await steerTraits({ ...options, asked, base, units }, onStage)
  const steered = steerable.map(({ trait }) => trait)
  const doses = traits.flatMap((trait) => trait.doses)
  const effects = traits.map((trait) => trait.effects)
  return {
    base: base.map(traitBehaviour),
    doses,
    controls: traits.flatMap(({ controls }) => controls),
    leakage: steered.length === 0 ? null : leakageOf(steered, measured, effects),
    persons:
      persons === undefined
        ? null
        : await behaviourOfPersons({ ...persons, model, statements, units, version, seed, store, signal, onStage }),
    skipped: [
      ...measured
        .filter((trait) => !steered.includes(trait))
        .map((trait) => `${trait} is measured but not steered: the wording of its items was not given`),
      ...doses
        .filter(({ alpha }) => alpha === 0)
        .map(
          ({ trait, pole }) =>
            `no alpha for the ${pole} end of ${trait}: steering did not help on tuning items, dose 1 is ${DEFAULT_UNIT} sigma instead`,
        ),
    ],
  }
}

interface TraitsContext extends BehaveOptions {
  readonly asked: readonly AskedStatements[]
  readonly base: Awaited<ReturnType<typeof askStatements>>
  readonly units: UnitStore
}

/** Every trait's unit, computed or found. */
async function steerTraits(context: TraitsContext, onStage: OnStage): Promise<SteeredTrait[]> {
  const { model, steerable, statements, asked, base, random, seed, version, units, store, signal } = context
  if (steerable.length === 0) return []
  const stage = onStage('steering traits')
  const total = steerable.length * stepsOfTrait(random)
  let done = 0
  const onStep = () => stage.update({ done: Math.min(++done, total), total })
  let meter: Promise<StrengthMeter> | undefined
  const wanted = steerable.map(async (trait) => ({
    key: await traitUnitKey(trait, context, statements),
    async compute() {
      meter ??= strengthMeter(model, { signal })
      const personas = await alignPoles(model, trait, { seed, version, store, signal })
      const measuring = { model, meter: await meter, asked, base, seed, random, signal, onStep }
      return JSON.stringify(await measureSteeredTrait(trait.trait, personas, measuring))
    },
  }))
  const results = await runUnits(units, await Promise.all(wanted), {
    signal,
    onProgress: (progress) => {
      done = Math.max(done, progress.done * stepsOfTrait(random))
      stage.update({ done, total })
    },
  })
  stage.end()
  return results.map((result) => readUnit(result, (json) => json as SteeredTrait))
}

function traitUnitKey(
  { trait, questionnaire, known }: SteerableTrait,
  { model, version, seed, random }: BehaveOptions,
  statements: readonly StatementSet[],
): Promise<string> {
  return unitKey({
    kind: 'steered trait',
    revision: REVISION,
    version,
    model: model.fingerprint,
    seed,
    random,
    trait,
    questionnaire: questionnaire.id,
    known: known.items.map(({ itemNumber, text }) => [itemNumber, text]),
    statements,
  })
}
