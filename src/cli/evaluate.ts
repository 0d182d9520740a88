/** @file `palign evaluate`: the error of every method on held-out items, beside the floors. */
import { basename, join } from 'node:path'
import { evaluate } from '../eval/evaluate.ts'
import { formatCosts } from '../eval/format-costs.ts'
import { formatDataEfficiency, formatForms, formatLikeness, formatTable } from '../eval/format-table.ts'
import type { MethodName } from '../eval/methods.ts'
import { SELF_REPORT_TASK, type SelfReportLogOptions, selfReportInspectLog, selfReportLmEval } from '../eval/self-report-logs.ts'
import { formatTimeRatios, timeRatios } from '../eval/time-ratios.ts'
import { IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import {
  formName,
  lettersForm,
  OPTION_ORDERS,
  type OptionOrder,
  QUESTION_FORMS,
  type QuestionForm,
} from '../items/question-form.ts'
import { activationCache, cacheFolder } from '../node/activation-cache.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import { loadAdapterTrainer } from '../node/load-trainer.ts'
import { packageVersion } from '../node/package-version.ts'
import { processMeter } from '../node/process-meter.ts'
import { methodNames, readDescriptions } from './chosen-methods.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, showResult, stage } from './output.ts'
import { choosePersons, type Persons, type PersonsOptions } from './persons.ts'
import { openCommandUnits } from './stores.ts'

interface EvaluateCommandOptions extends PersonsOptions, ModelOptions {
  readonly methods: string
  readonly orders: 'both' | OptionOrder
  readonly forms: 'letters' | 'all'
  readonly items?: string
  readonly descriptions?: string
  readonly steps?: number
  readonly store?: string
  readonly databaseUrlFile?: string
  readonly lmEval?: string
  readonly inspect?: string
  readonly out?: string
  readonly json?: boolean
}

export async function evaluateCommand(options: EvaluateCommandOptions): Promise<void> {
  const signal = interruptSignal()
  const methods = methodNames(options.methods)
  const itemCounts = options.items?.split(',').map(Number)
  if (options.out !== undefined) await prepareToWrite(options.out)
  for (const folder of [options.lmEval, options.inspect]) if (folder !== undefined) await prepareToWrite(join(folder, 'log'))
  const started = new Date()
  const { population, rows, origin } = await choosePersons(options)
  const descriptions = options.descriptions === undefined ? undefined : await readDescriptions(options.descriptions)
  const orders = options.orders === 'both' ? OPTION_ORDERS : [options.orders]
  const forms = formsOf(options.forms, orders)
  const units = await openCommandUnits(options)
  const model = await openModel(options)
  try {
    const evaluation = await evaluate({
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
      orders,
      forms,
      itemCounts,
      store: activationCache(cacheFolder(process.env)),
      signal,
      onStage: stage,
    })
    const table = evaluation.rows
    const result = {
      kind: 'self-report',
      ...origin,
      model: basename(options.model),
      modelFingerprint: model.fingerprint,
      seed: options.seed,
      orders: options.orders,
      forms: forms.map(formName),
      descriptions: options.descriptions === undefined ? 'written from the known answers' : basename(options.descriptions),
      version: packageVersion(),
      ...evaluation,
      timeRatios: timeRatios(table),
    }
    await writeLogs(options, methods, {
      evaluation,
      model: result.model,
      modelFingerprint: model.fingerprint,
      data: origin.data,
      fileRespondents: origin.fileRespondents,
      seed: options.seed,
      version: packageVersion(),
      started,
      ended: new Date(),
    })
    await showResult(result, options, () =>
      [
        formatTable(table, notesOn(origin, methods, options.seed)),
        formatLikeness(table),
        formatForms(table),
        ...(evaluation.dataEfficiency.length > 0 ? [formatDataEfficiency(evaluation.dataEfficiency)] : []),
        formatCosts(table),
        ...(result.timeRatios.length > 0 ? [formatTimeRatios(table)] : []),
      ].join('\n\n'),
    )
  } finally {
    await units?.close()
    await model.dispose()
  }
}

/** A folder for each arm, as `palign capability` writes them. */
async function writeLogs(
  { lmEval, inspect }: EvaluateCommandOptions,
  methods: readonly MethodName[],
  run: Omit<SelfReportLogOptions, 'arm'>,
): Promise<void> {
  for (const arm of methods) {
    const folder = arm.replaceAll(':', '-')
    if (lmEval !== undefined) {
      for (const { name, text } of await selfReportLmEval({ ...run, arm }))
        await writeFileAtomic(join(lmEval, folder, name), text)
    }
    if (inspect === undefined) continue
    const name = `${SELF_REPORT_TASK}_${run.ended.toISOString().replaceAll(':', '-')}.json`
    await writeFileAtomic(join(inspect, folder, name), await selfReportInspectLog({ ...run, arm }))
  }
}

function formsOf(forms: 'letters' | 'all', orders: readonly OptionOrder[]): readonly QuestionForm[] {
  return forms === 'all' ? QUESTION_FORMS.filter(({ order }) => orders.includes(order)) : orders.map(lettersForm)
}

function notesOn(
  { source, draw, respondents, fileRespondents, population, wholeFile }: Persons['origin'],
  methods: readonly MethodName[],
  seed: number,
): string[] {
  const drawn = wholeFile ? '' : `, a ${draw} draw`
  return [
    `${respondents} of ${fileRespondents} ${source === 'simulated' ? 'simulated ' : ''}persons${drawn}, seed ${seed}; sum of five mean absolute errors on 180 held-out items; lower is better.`,
    "gain: error with other persons' predictions minus with one's own. A row that does not beat item-median with a gain above 0 is not aligned.",
    ...(source === 'papi'
      ? ['PAPI persons are the nearest to cluster centres: their errors are about half of what ordinary people give.']
      : []),
    ...(source === 'simulated'
      ? ['Simulated persons follow public norms and domain correlations: they say nothing about real people.']
      : []),
    ...(population < fileRespondents ? [`Rows that use other people know ${population} of the file.`] : []),
    ...(methods.includes('pas:as-published')
      ? ['pas:as-published repeats the faults of the released protocol: it has seen the answers that it is scored on.']
      : []),
    ...(wholeFile ? [] : ['Only part of the file: not to be compared with tables of the whole file.']),
  ]
}
