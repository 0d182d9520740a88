/**
 * @file Whether what persons say of themselves shows in what their personas do: the correlation over persons of a domain score (known
 * items, keyed) with the behaviour score of the trait, for every arm. A correlation on a handful of persons means little: see its interval.
 */
import { DOMAINS, IPIP_NEO_120 } from '../../items/ipip-neo.ts'
import { toKeyed } from '../../items/questionnaire.ts'
import { score } from '../../items/scoring.ts'
import { bootstrapIntervalOf } from '../../math/bootstrap.ts'
import { mean, pearson } from '../../math/statistics.ts'
import type { Progress } from '../../model/language-model.ts'
import type { Respondent } from '../../people/respondent.ts'
import { type AlignmentContext, alignments } from '../alignments.ts'
import { alignUnitKey } from '../answer-unit.ts'
import { armOf } from '../arm.ts'
import type { MethodName } from '../methods.ts'
import type { OnStage } from '../stage.ts'
import { readListUnit, runUnits, unitKey } from '../units.ts'
import { type AskedStatements, askStatements, renderStatements, signedScores } from './ask-statements.ts'
import type { StatementSet } from './draw-statements.ts'
import { bigFivePlace, type TraitId } from './traits.ts'

/** Fewest persons of whom a correlation is given. */
const FEWEST_PERSONS = 4
/** Raised whenever the same description comes to mean other scores. */
const REVISION = 1

export interface PersonBehaviour {
  readonly arm: MethodName
  readonly trait: TraitId
  /** Persons with a domain score. */
  readonly n: number
  /** Null where one of the two does not vary, as the behaviour of the unchanged model, or where persons are too few. */
  readonly r: number | null
  /** Bootstrap over persons, 95 %; null where resamples have no correlation. */
  readonly interval: readonly [number, number] | null
}

export interface PersonsOptions extends AlignmentContext {
  readonly methods: readonly MethodName[]
  readonly respondents: readonly Respondent[]
  /** Those of the Big Five are correlated, others left out. */
  readonly statements: readonly StatementSet[]
  readonly onStage: OnStage
}

/** `[methods, traits of the Big Five]` */
export async function behaviourOfPersons(options: PersonsOptions): Promise<PersonBehaviour[]> {
  const { methods, respondents, seed } = options
  const statements = options.statements.filter(({ trait }) => bigFivePlace(trait) !== undefined)
  const domains = respondents.map(domainScores)
  const rows: PersonBehaviour[] = []
  for (const arm of methods) {
    const stage = options.onStage(arm)
    const behaviour = await scoresOfArm(arm, statements, options, stage.update)
    stage.end()
    statements.forEach(({ trait }, t) => {
      const place = bigFivePlace(trait)!
      const pairs = respondents.flatMap((_, p) => {
        const said = domains[p]![place]
        return said === undefined ? [] : [[said, behaviour[p]![t]!] as const]
      })
      rows.push({ arm, trait, n: pairs.length, ...correlate(pairs, seed) })
    })
  }
  return rows
}

/** Keyed means of the known items, in the order A C E N O; undefined where too few were answered. */
function domainScores({ answers }: Respondent): (number | undefined)[] {
  const { domains } = score(IPIP_NEO_120, toKeyed(IPIP_NEO_120, answers))
  return DOMAINS.map((code) => {
    const scale = domains.find(({ trait }) => trait.code === code)
    return scale?.kind === 'scored' ? scale.mean : undefined
  })
}

function correlate(pairs: readonly (readonly [number, number])[], seed: number): Pick<PersonBehaviour, 'r' | 'interval'> {
  if (pairs.length < FEWEST_PERSONS) return { r: null, interval: null }
  const of = (units: ArrayLike<number>) => {
    const drawn = Array.from(units, (unit) => pairs[unit]!)
    return pearson(
      drawn.map(([said]) => said),
      drawn.map(([, done]) => done),
    )
  }
  const r = of([...pairs.keys()])
  if (r === undefined) return { r: null, interval: null }
  const [low, high] = bootstrapIntervalOf(pairs.length, (units) => of(units) ?? Number.NaN, { seed })
  return { r, interval: Number.isNaN(low) ? null : [low, high] }
}

/** Mean scores `[respondents][statements]`, each person's computed or found. */
async function scoresOfArm(
  name: MethodName,
  statements: readonly StatementSet[],
  options: PersonsOptions,
  onProgress: (progress: Progress) => void,
): Promise<number[][]> {
  const { model, respondents, units, signal } = options
  const personas = alignments(name, options)
  const render = async (system?: string) => {
    const asked: AskedStatements[] = []
    for (const set of statements) asked.push(await renderStatements(model, set, { system, signal }))
    return asked
  }
  let unprompted: Promise<AskedStatements[]> | undefined
  const scoresOf = async (respondent: Respondent): Promise<number[]> => {
    const { persona } = await personas.of(respondent)
    const { system, steering } = armOf(name, persona, model)
    if (system === undefined) unprompted ??= render()
    const asked = await (system === undefined ? unprompted! : render(system))
    return (await askStatements(model, asked, { ...steering, signal })).map((scores) => mean(signedScores(scores)))
  }
  const wanted = respondents.map(async (respondent) => {
    // The key of what was found names everything that the persona depends on.
    const persona = await alignUnitKey(name, options, respondent)
    return {
      key: await unitKey({ kind: 'behaviour of a person', revision: REVISION, persona, statements }),
      compute: async () => JSON.stringify(await scoresOf(respondent)),
    }
  })
  try {
    const results = await runUnits(units, await Promise.all(wanted), { signal, onProgress })
    return results.map((result) => readListUnit<number>(result, statements.length))
  } finally {
    await personas.dispose()
  }
}
