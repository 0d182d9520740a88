/** @file `palign behave`: answers to persona statements, unsteered, steered to the ends of every trait, and with the personas of persons. */
import { basename, join } from 'node:path'
import { errorAt, PalignError } from '../errors.ts'
import { type BehaveOptions, behave } from '../eval/behaviour/behave.ts'
import { drawStatements, type StatementSet } from '../eval/behaviour/draw-statements.ts'
import { formatBehaviour } from '../eval/behaviour/format-behaviour.ts'
import { parseBehaviourResult } from '../eval/behaviour/result.ts'
import { steerableTrait, TRAIT_IDS, type TraitId } from '../eval/behaviour/traits.ts'
import { respondentCount } from '../items/answer-matrix.ts'
import { IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import { activationCache, cacheFolder } from '../node/activation-cache.ts'
import { prepareToWrite } from '../node/atomic-write.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import { packageVersion } from '../node/package-version.ts'
import { ifExists } from '../node/read-file.ts'
import { readPersonaStatements } from '../node/read-persona-statements.ts'
import { readSd3Key } from '../node/read-sd3-key.ts'
import { drawRows } from '../people/draw.ts'
import { respondentAt } from '../people/sample.ts'
import { readAnswers } from './answers.ts'
import { methodNames, readDescriptions } from './chosen-methods.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, showResult, stage } from './output.ts'
import { openCommandUnits } from './stores.ts'

interface BehaveCommandOptions extends ModelOptions {
  readonly bench: string
  readonly statements: number
  readonly traits?: string
  readonly sd3Key?: string
  readonly random: number
  readonly data?: string
  readonly respondents?: number
  readonly methods: string
  readonly steps?: number
  readonly descriptions?: string
  readonly store?: string
  readonly databaseUrlFile?: string
  readonly seed: number
  readonly out?: string
  readonly json?: boolean
}

export async function behaveCommand(options: BehaveCommandOptions): Promise<void> {
  const signal = interruptSignal()
  const { seed, random } = options
  if (options.out !== undefined) await prepareToWrite(options.out)
  const bench = await readBench(options)
  const persons = await readPersons(options)
  const sd3 = options.sd3Key === undefined ? undefined : await readSd3Key(options.sd3Key)
  const steerable = bench.sets.flatMap(({ trait }) => steerableTrait(trait, sd3) ?? [])
  const units = await openCommandUnits(options)
  try {
    const model = await openModel(options)
    try {
      const { skipped, ...measures } = await behave({
        model,
        statements: bench.sets,
        steerable,
        random,
        seed,
        persons,
        units,
        version: packageVersion(),
        store: activationCache(cacheFolder(process.env)),
        signal,
        onStage: stage,
      })
      const result = parseBehaviourResult({
        kind: 'behaviour',
        model: basename(options.model),
        modelFingerprint: model.fingerprint,
        seed,
        version: packageVersion(),
        statements: { perTrait: options.statements, files: bench.files },
        ...measures,
        skipped: [...bench.skipped, ...skipped],
      })
      await showResult(result, options, () => formatBehaviour(result))
    } finally {
      await model.dispose()
    }
  } finally {
    await units?.close()
  }
}

interface Bench {
  readonly sets: readonly StatementSet[]
  readonly files: readonly { readonly trait: TraitId; readonly sha256: string }[]
  readonly skipped: readonly string[]
}

/** A file that is named must be there; of all eight, those that are there are taken. */
async function readBench({ bench, traits, statements }: BehaveCommandOptions): Promise<Bench> {
  const sets: StatementSet[] = []
  const files: { trait: TraitId; sha256: string }[] = []
  const skipped: string[] = []
  for (const trait of traits === undefined ? TRAIT_IDS : traitIds(traits)) {
    const path = join(bench, `anthropic_persona_${trait}.jsonl`)
    const reading = readPersonaStatements(path)
    const file = await (traits === undefined ? ifExists(reading) : reading)
    if (file === undefined) {
      skipped.push(`${trait} is not measured: ${basename(path)} does not exist`)
      continue
    }
    files.push({ trait, sha256: file.sha256 })
    sets.push({ trait, statements: await drawFrom(path, file.statements, statements) })
  }
  if (sets.length === 0) {
    throw new PalignError('not-found', `folder ${bench} holds no anthropic_persona_<trait>.jsonl`, {
      hint: `traits are ${TRAIT_IDS.join(', ')}`,
    })
  }
  return { sets, files, skipped }
}

async function drawFrom(path: string, all: Parameters<typeof drawStatements>[0], count: number) {
  try {
    return await drawStatements(all, count)
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}

function traitIds(list: string): TraitId[] {
  const names = list.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !(TRAIT_IDS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new PalignError('invalid-input', `trait ${unknown} is unknown`, { hint: `traits are ${TRAIT_IDS.join(', ')}` })
  }
  // In the order of the questionnaires, whatever the order of the list.
  return TRAIT_IDS.filter((trait) => names.includes(trait))
}

async function readPersons(options: BehaveCommandOptions): Promise<BehaveOptions['persons']> {
  const { data, respondents: wanted, descriptions, steps, seed, model: folder } = options
  if (data === undefined) {
    if (wanted === undefined) return undefined
    throw new PalignError('invalid-input', '--respondents was given without --data', { hint: 'name the file of their answers' })
  }
  const methods = methodNames(options.methods)
  const { sample } = await readAnswers(data)
  if (!sample.questionnaire.id.startsWith('ipip-neo')) {
    throw new PalignError('invalid-input', `file ${data} answers ${sample.questionnaire.id}, personas are of IPIP-NEO answers`)
  }
  const count = wanted ?? respondentCount(sample)
  return {
    methods,
    respondents: drawRows(sample, { count, seed, draw: 'random' }).map((row) => respondentAt(sample, row)),
    questionnaire: IPIP_NEO_300,
    ...splitItems(),
    descriptions: descriptions === undefined ? undefined : await readDescriptions(descriptions),
    steps,
    openTrainer: (adapter) => loadAdapterTrainer({ folder, adapter }),
  }
}
