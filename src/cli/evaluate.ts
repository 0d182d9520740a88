/** @file `palign evaluate`: the error of every method on held-out items, beside the floors. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { PalignError } from '../errors.ts'
import { evaluate } from '../eval/evaluate.ts'
import { formatCosts } from '../eval/format-costs.ts'
import { formatLikeness, formatTable } from '../eval/format-table.ts'
import { formatTimeRatios, timeRatios } from '../eval/time-ratios.ts'
import { IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import { OPTION_ORDERS, type OptionOrder } from '../items/question-form.ts'
import { activationCache, cacheFolder } from '../node/activation-cache.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import { loadModel } from '../node/load-model.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import { openUnits } from '../node/open-units.ts'
import { packageVersion } from '../node/package-version.ts'
import { processMeter } from '../node/process-meter.ts'
import { readFileBounded } from '../node/read-file.ts'
import { respondentsOf } from '../people/sample.ts'
import { MAX_ANSWERS_BYTES, readAnswers } from './answers.ts'
import { drawRows, methodNames, readDescriptions } from './chosen-persons.ts'
import { interruptSignal, note, print, printJson, stage } from './output.ts'

interface EvaluateCommandOptions {
  readonly model: string
  readonly data: string
  readonly methods: string
  readonly respondents?: number
  readonly orders: 'both' | OptionOrder
  readonly descriptions?: string
  readonly seed: number
  readonly steps?: number
  readonly store?: string
  readonly out?: string
  readonly json?: boolean
}

export async function evaluateCommand(options: EvaluateCommandOptions): Promise<void> {
  const signal = interruptSignal()
  const methods = methodNames(options.methods)
  if (options.out !== undefined) await prepareToWrite(options.out)
  const file = await readAnswers(options.data)
  if (file.sample.questionnaire.id !== IPIP_NEO_300.id) {
    throw new PalignError(
      'invalid-input',
      `file ${options.data} answers ${file.sample.questionnaire.id}, the evaluation needs ${IPIP_NEO_300.id}`,
      {
        hint: 'held-out items are the 180 items that only the long form has',
      },
    )
  }
  const population = respondentsOf(file.sample)
  const rows = drawRows(population.length, options.respondents, options.seed)
  const descriptions = options.descriptions === undefined ? undefined : await readDescriptions(options.descriptions)
  const units = options.store === undefined ? undefined : await openUnits(options.store)
  const model = await loadModel(options.model)
  try {
    const table = await evaluate({
      units,
      version: packageVersion(),
      model,
      methods,
      questionnaire: IPIP_NEO_300,
      ...splitItems(),
      population,
      rows,
      descriptions,
      seed: options.seed,
      steps: options.steps,
      openTrainer: (adapter) => loadAdapterTrainer({ folder: options.model, adapter }),
      process: processMeter(),
      orders: options.orders === 'both' ? OPTION_ORDERS : [options.orders],
      store: activationCache(cacheFolder(process.env)),
      signal,
      onStage: stage,
    })
    const whole = rows.length === population.length
    const result = {
      data: basename(options.data),
      dataSha256: createHash('sha256')
        .update(await readFileBounded(options.data, MAX_ANSWERS_BYTES))
        .digest('hex'),
      model: basename(options.model),
      modelFingerprint: model.fingerprint,
      seed: options.seed,
      orders: options.orders,
      respondents: rows.length,
      population: population.length,
      wholeFile: whole,
      version: packageVersion(),
      rows: table,
      timeRatios: timeRatios(table),
    }
    if (options.out !== undefined) await writeFileAtomic(options.out, `${JSON.stringify(result, null, 2)}\n`)
    if (options.json) {
      printJson(result)
      return
    }
    const notes = [
      `${rows.length} of ${population.length} persons, seed ${options.seed}; sum of five mean absolute errors on 180 held-out items; lower is better.`,
      "gain: error with other persons' predictions minus with one's own. A row that does not beat item-median with a gain above 0 is not aligned.",
      ...(file.format === 'papi'
        ? ['PAPI persons are the nearest to cluster centres: their errors are about half of what ordinary people give.']
        : []),
      ...(methods.includes('pas:as-published')
        ? ['pas:as-published repeats the faults of the released protocol: it has seen the answers that it is scored on.']
        : []),
      ...(whole ? [] : ['Only part of the file: not to be compared with tables of the whole file.']),
    ]
    print(formatTable(table, notes))
    print(`\n${formatLikeness(table)}`)
    print(`\n${formatCosts(table)}`)
    const ratios = formatTimeRatios(table)
    if (ratios !== '') print(`\n${ratios}`)
    if (options.out !== undefined) note(`result written to ${options.out}`)
  } finally {
    units?.close()
    await model.dispose()
  }
}
