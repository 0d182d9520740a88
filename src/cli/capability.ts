/** @file `palign capability`: what personas cost a model in knowledge, reasoning and truthfulness. */
import { basename, join } from 'node:path'
import { PalignError } from '../errors.ts'
import type { Arm } from '../eval/arm.ts'
import { formatCapability } from '../eval/capability/format.ts'
import { inspectLog } from '../eval/capability/inspect-log.ts'
import { lmEvalFiles } from '../eval/capability/lm-eval.ts'
import type { CapabilityResult } from '../eval/capability/result.ts'
import { capabilityRows } from '../eval/capability/rows.ts'
import { type Outcome, runCapability } from '../eval/capability/run.ts'
import { drawDocuments } from '../eval/capability/subset.ts'
import { withRandomControls } from '../eval/random-arms.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import { modelFolderOf } from '../node/model-source.ts'
import { readEndTokens } from '../node/model-text.ts'
import { packageVersion } from '../node/package-version.ts'
import { armsOf, readPersonas } from './arms.ts'
import { type ReadTask, readTask } from './bench-files.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, showResult, stage } from './output.ts'
import { openCommandUnits } from './stores.ts'

interface CapabilityCommandOptions extends ModelOptions {
  readonly bench: string
  readonly persona?: readonly string[]
  readonly passphraseFile?: string
  readonly tasks: string
  readonly limit?: number
  readonly random: number
  readonly store?: string
  readonly databaseUrlFile?: string
  readonly seed: number
  readonly margin: number
  readonly out?: string
  readonly lmEval?: string
  readonly inspect?: string
  readonly json?: boolean
}

export async function capabilityCommand(options: CapabilityCommandOptions): Promise<void> {
  const { limit, seed, margin } = options
  const signal = interruptSignal()
  const started = new Date()
  if (!(margin > 0)) throw new PalignError('invalid-input', `margin is ${margin}, expected points above 0`)
  if (options.out !== undefined) await prepareToWrite(options.out)
  for (const folder of [options.lmEval, options.inspect]) if (folder !== undefined) await prepareToWrite(join(folder, 'log'))
  const personas = withRandomControls(await readPersonas(options.persona ?? [], options), { count: options.random, seed })
  const sets = await readTasks(options)
  const units = await openCommandUnits(options)
  const model = await openModel(options)
  try {
    const arms = armsOf(personas, model)
    const beginning = await beginningOf(model, options.model)
    const tasks = sets.map(({ drawn }) => drawn)
    const version = packageVersion()
    const outcomes = await runCapability({ model, arms, tasks, beginning, units, version, signal, onStage: stage })
    const result: CapabilityResult = {
      kind: 'capability',
      model: basename(options.model),
      modelFingerprint: model.fingerprint,
      seed,
      version,
      bench: sets.map(({ drawn, task, file, sha256, examples }) => ({
        task: drawn.name,
        file,
        sha256,
        ...(examples && { examples }),
        documents: drawn.documents.length,
        of: task.documents.length,
        form: drawn.form,
        shots: drawn.shots,
      })),
      reporting: limit === undefined,
      ...(limit !== undefined && { limit }),
      random: options.random,
      prompting: promptingOf(model, beginning),
      margin,
      rows: capabilityRows(outcomes, { margin, seed }),
    }
    await writeLogs(options, { arms, outcomes, sets, result, started, ended: new Date() })
    await showResult(result, options, () => formatCapability(result))
  } finally {
    await units?.close()
    await model.dispose()
  }
}

interface DrawnTask extends ReadTask {
  readonly drawn: ReadTask['task']
}

async function readTasks({ bench, tasks, limit }: CapabilityCommandOptions): Promise<DrawnTask[]> {
  const names = [...new Set(tasks.split(',').map((name) => name.trim()))]
  const drawn: DrawnTask[] = []
  for (const name of names) {
    const read = await readTask(bench, name)
    const { task } = read
    const size = Math.min(limit ?? Number.POSITIVE_INFINITY, task.size ?? Number.POSITIVE_INFINITY, task.documents.length)
    if (drawn.some(({ drawn }) => drawn.name === task.name)) {
      throw new PalignError('invalid-input', `task ${task.name} stands twice in --tasks`, { hint: 'rename one of the files' })
    }
    drawn.push({ ...read, drawn: { ...task, documents: await drawDocuments(task.documents, size) } })
  }
  return drawn
}

/** What stands before a text that is scored after nothing: the tokenizer's beginning, else an end token of the model, else nothing. */
async function beginningOf(model: LanguageModel, folder: string): Promise<number[]> {
  const own = model.encode('')
  return own.length > 0 ? own : (await readEndTokens(await modelFolderOf(folder))).slice(0, 1)
}

function promptingOf(model: LanguageModel, beginning: readonly number[]): string {
  const own = model.encode('')
  return [
    'Raw text without a chat template',
    own.length > 0 ? `behind the tokenizer's beginning tokens ${own.join(' ')}` : 'without a beginning token',
    "a persona's system prompt stands as a paragraph before the context, and is the first to go where that is too long for the model",
    ...(beginning.length > 0 ? [`the empty context of acc_mutual_info is token ${beginning.join(' ')}`] : []),
  ]
    .join('; ')
    .concat('.')
}

interface Logged {
  readonly arms: readonly Arm[]
  readonly outcomes: readonly Outcome[]
  readonly sets: readonly DrawnTask[]
  readonly result: CapabilityResult
  readonly started: Date
  readonly ended: Date
}

async function writeLogs({ lmEval, inspect, limit, seed }: CapabilityCommandOptions, logged: Logged): Promise<void> {
  const { arms, outcomes, sets, result, started, ended } = logged
  const { model, modelFingerprint, version } = result
  const common = { model, modelFingerprint, version, seed, limit }
  const originals = new Map(sets.map(({ task }) => [task.name, task.documents.length]))
  for (const arm of arms) {
    const own = outcomes.filter((outcome) => outcome.arm === arm.name)
    // A colon is no character for the name of a folder everywhere.
    const folder = arm.name.replaceAll(':', '-')
    if (lmEval !== undefined) {
      const files = await lmEvalFiles({ ...common, arm, outcomes: own, originals, started, ended })
      for (const { name, text } of files) await writeFileAtomic(join(lmEval, folder, name), text)
    }
    if (inspect === undefined) continue
    for (const outcome of own) {
      const { file } = sets.find(({ drawn }) => drawn === outcome.task)!
      const text = await inspectLog({ ...common, arm, outcome, file, started, ended })
      await writeFileAtomic(join(inspect, folder, `${outcome.task.name}_${ended.toISOString().replaceAll(':', '-')}.json`), text)
    }
  }
}
