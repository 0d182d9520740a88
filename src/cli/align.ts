/** @file `palign align`: the answers of one person -> a persona file, or the folder of an adapter. */
import { basename } from 'node:path'
import { PalignError } from '../errors.ts'
import { alignPerson, trainsAdapter } from '../eval/align-person.ts'
import { splitItems } from '../items/item-split.ts'
import { activationCache, cacheFolder } from '../node/activation-cache.ts'
import { prepareAdapterFolder } from '../node/adapter-folder.ts'
import { prepareToWrite } from '../node/atomic-write.ts'
import { describeBaseModel } from '../node/base-model.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import { packageVersion } from '../node/package-version.ts'
import { writePersona } from '../node/persona-file.ts'
import { SPLIT_OF_SHORT_FORM } from '../persona/about.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { showAdapter } from './align-adapter.ts'
import { readRespondent } from './answers.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, print, printJson, stage } from './output.ts'

interface AlignCommandOptions extends ModelOptions {
  readonly data: string
  readonly row: number
  readonly seed: number
  readonly method: 'pas' | 'pas:published' | 'pas:kv-tied' | 'dpo' | 'ppo'
  readonly steps?: number
  readonly out: string
  readonly license?: string
  readonly owner?: string
  /** ISO 8601. */
  readonly expires?: string
  readonly json?: boolean
}

export async function alignCommand(options: AlignCommandOptions): Promise<void> {
  const signal = interruptSignal()
  const { method, steps } = options
  const trains = trainsAdapter(method)
  if (steps !== undefined && !trains) {
    throw new PalignError('invalid-input', `--steps was given, but method ${method} takes none`, {
      hint: 'only dpo and ppo train',
    })
  }
  const respondent = await readRespondent(options.data, options.row)
  await (trains ? prepareAdapterFolder(options.out) : prepareToWrite(options.out))
  const { known } = splitItems()
  if (
    !known.items.some(({ itemNumber }) => respondent.answers.byItem.has(itemNumber)) ||
    !respondent.questionnaire.id.startsWith('ipip-neo')
  ) {
    throw new PalignError(
      'invalid-input',
      `respondent in row ${options.row} of ${options.data} answered none of the 120 items of the short form`,
      {
        hint: 'palign aligns with answers to the IPIP-NEO-120 or the IPIP-NEO-300',
      },
    )
  }
  const source = { data: basename(options.data), version: packageVersion() }
  const model = await openModel(options)
  try {
    const found = await alignPerson({
      ...{ method, model, respondent, steps, seed: options.seed, source, signal, onStage: stage },
      store: activationCache(cacheFolder(process.env)),
      openTrainer: (adapter) => loadAdapterTrainer({ folder: options.model, adapter }),
    })
    const { license, owner, expires } = options
    const about = {
      base: await describeBaseModel(options.model, options.dtype),
      split: SPLIT_OF_SHORT_FORM,
      license,
      owner,
      expires,
    }
    const persona: StoredPersona = { ...found, about: { ...about, created: new Date().toISOString() } }
    await writePersona(options.out, persona)
    if (persona.kind === 'adapter') return showAdapter(persona, options)
    if (persona.kind === 'prompt') return print(`persona written to ${options.out}`)
    const { alpha, calibration, interventions } = persona
    if (options.json) {
      printJson({
        persona: options.out,
        method: persona.method,
        alpha,
        calibration,
        heads: interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma })),
      })
      return
    }
    print(`persona written to ${options.out}`)
    print(`alpha ${alpha} sigma on ${interventions.length} heads, chosen on ${calibration.folds} folds of known items`)
    for (const point of calibration.curve)
      print(`  alpha ${String(point.alpha).padStart(4)}  ${calibration.loss} ${point.loss.toFixed(4)}`)
    print(`next: palign generate --model ${options.model} --persona ${options.out} "Who are you?"`)
  } finally {
    await model.dispose()
  }
}
