/** @file `palign open-ended`: what arms answer to everyday questions, scored by a trait classifier and by judges. */
import { basename, resolve } from 'node:path'
import { formatOpenEnded } from '../eval/open-ended/format-open-ended.ts'
import { type JudgeExchange, refuseSelfJudge } from '../eval/open-ended/judge.ts'
import { openEnded } from '../eval/open-ended/open-ended.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import { packageVersion } from '../node/package-version.ts'
import { readTraitStatements } from '../node/read-trait-statements.ts'
import { armsOf, readPersonas } from './arms.ts'
import { type JudgeOptions, judgesOf } from './judges.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, showResult, stage } from './output.ts'
import { openCommandUnits } from './stores.ts'

interface OpenEndedCommandOptions extends JudgeOptions, ModelOptions {
  readonly persona?: readonly string[]
  readonly passphraseFile?: string
  readonly statements?: string
  readonly samples: number
  readonly temperature: number
  readonly maxTokens: number
  readonly seed: number
  readonly store?: string
  readonly databaseUrlFile?: string
  readonly answers?: string
  readonly log?: string
  readonly out?: string
  readonly json?: boolean
}

export async function openEndedCommand(options: OpenEndedCommandOptions): Promise<void> {
  const signal = interruptSignal()
  const { samples, temperature, maxTokens, seed, answers: answersPath, log, out } = options
  const modelName = basename(resolve(options.model))
  const judges = judgesOf(options, process.env)
  for (const { model } of judges) refuseSelfJudge(model, [modelName])
  for (const path of [answersPath, log, out]) if (path !== undefined) await prepareToWrite(path)
  const personas = await readPersonas(options.persona ?? [], options)
  const statements = options.statements === undefined ? undefined : await readTraitStatements(options.statements)
  const units = await openCommandUnits(options)
  const exchanges: JudgeExchange[] = []
  const model = await openModel(options)
  try {
    const { result, answers } = await openEnded({
      ...{ model, modelName, arms: armsOf(personas, model), statements, judges, units, version: packageVersion() },
      ...{ samples, temperature, maxTokens, seed, signal, onStage: stage },
      onExchange: (exchange) => exchanges.push(exchange),
    })
    if (answersPath !== undefined) {
      const rows = answers.map(({ arm, situation, sample, text }) => {
        return { arm, situation: situation.id, trait: situation.trait, question: situation.text, sample, answer: text }
      })
      await writeFileAtomic(answersPath, jsonLines(rows))
    }
    await showResult(result, options, () => formatOpenEnded(result))
  } finally {
    // Also of a run that fails: what judges said so far is in no other file.
    if (log !== undefined) await writeFileAtomic(log, jsonLines(exchanges))
    await units?.close()
    await model.dispose()
  }
}

const jsonLines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
