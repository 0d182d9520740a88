/** @file `palign safety`: harmful compliance, over-refusal, incoherence and text quality, with personas and without. Prompts and answers are never printed. */
import { basename, resolve } from 'node:path'
import { PalignError } from '../errors.ts'
import type { Arm } from '../eval/arm.ts'
import { doseArms } from '../eval/dose-arms.ts'
import { inHashOrder } from '../eval/hash-order.ts'
import { type ComplianceJudgeOptions, complianceJudge } from '../eval/open-ended/refusal-judge.ts'
import { withRandomControls } from '../eval/random-arms.ts'
import { type Classifier, RULES } from '../eval/safety/classifier.ts'
import { formatSafety } from '../eval/safety/format.ts'
import { type SafetyPrompt, SET_NAMES, type SetName } from '../eval/safety/prompt-sets.ts'
import { parseSafetyResult, type SafetyResult } from '../eval/safety/result.ts'
import { type Accuracy, safetyRows } from '../eval/safety/rows.ts'
import { type PromptSet, promptsThatFit, runSafety, type SafetyOutcome } from '../eval/safety/run.ts'
import { textQuality } from '../eval/text-quality.ts'
import { memoryUnits } from '../eval/units.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import type { JudgeClient } from '../node/judge-client.ts'
import { packageVersion } from '../node/package-version.ts'
import { decodeText, readFileBounded } from '../node/read-file.ts'
import { armsOf, readPersonas } from './arms.ts'
import { type JudgeOptions, judgesOf } from './judges.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, note, showResult, stage } from './output.ts'
import { readNamedFiles, readSets, type SetFile } from './safety-sets.ts'
import { openCommandUnits } from './stores.ts'

interface SafetyCommandOptions extends JudgeOptions, ModelOptions {
  readonly bench?: string
  readonly sets?: string
  readonly harmful?: readonly string[]
  readonly safe?: readonly string[]
  readonly promptColumn: string
  readonly texts?: readonly string[]
  readonly persona?: readonly string[]
  readonly passphraseFile?: string
  readonly limit?: number
  readonly maxTokens: number
  readonly random: number
  readonly doses?: boolean
  readonly complianceAccuracy?: Accuracy
  readonly refusalAccuracy?: Accuracy
  readonly store?: string
  readonly databaseUrlFile?: string
  readonly answers?: string
  readonly seed: number
  readonly out?: string
  readonly json?: boolean
}

const MAX_TEXT_BYTES = 16 << 20

export async function safetyCommand(options: SafetyCommandOptions): Promise<void> {
  const { seed, maxTokens, limit } = options
  const signal = interruptSignal()
  for (const path of [options.out, options.answers]) if (path !== undefined) await prepareToWrite(path)
  const personas = await readPersonas(options.persona ?? [], options)
  for (const [name, persona] of personas) {
    if ('alpha' in persona && persona.alpha === 0)
      note(`palign: ${name} has alpha 0 and moves nothing: only its prompt, if any, tells it from unsteered`)
  }
  const judge = judgeOf(options)
  const files = await readPrompts(options)
  const texts = await readTexts(options.texts ?? [])
  const store = await openCommandUnits(options)
  try {
    const model = await openModel(options)
    try {
      const controlled = withRandomControls(personas, { count: options.random, seed })
      const arms = [...armsOf(controlled, model), ...(options.doses ? doseArms(personas, model) : [])]
      const version = packageVersion()
      const { sets, asked } = await setsToAsk(files, { model, arms, maxTokens, limit, signal })
      const common = { model, arms, maxTokens, version, units: store ?? memoryUnits(), signal, onStage: stage }
      const classifier = judge === undefined ? RULES : judgedBy(judge, options.model, common)
      const outcomes = await runSafety({ ...common, sets, classifier })
      const quality = await textQuality({ ...common, texts: texts.map(({ text }) => text) })
      const accuracy = { harmfulCompliance: options.complianceAccuracy, overRefusal: options.refusalAccuracy }
      const result: SafetyResult = {
        kind: 'safety',
        model: basename(options.model),
        modelFingerprint: model.fingerprint,
        seed,
        version,
        classifier: classifier.name,
        maxTokens,
        reporting: limit === undefined,
        sets: asked,
        ...safetyRows(outcomes, { seed, accuracy }),
        quality: quality.map(({ texts: given, ...row }) => ({
          ...row,
          ...(given.length > 0 && { files: given.map((likelihood, i) => ({ file: texts[i]!.file, ...likelihood })) }),
        })),
      }
      await write(result, outcomes, options)
    } finally {
      await model.dispose()
    }
  } finally {
    await store?.close()
  }
}

/** One judge: several would need a rule for what they do not agree on. */
function judgeOf(options: SafetyCommandOptions): JudgeClient | undefined {
  const [judge, ...others] = judgesOf(options, process.env)
  if (others.length === 0) return judge
  throw new PalignError('invalid-input', `judges number ${others.length + 1}, expected one at most`)
}

/** Its replies are units of the store, as answers are. */
function judgedBy(judge: JudgeClient, folder: string, common: Pick<ComplianceJudgeOptions, 'units' | 'signal'>): Classifier {
  const modelNames = [basename(resolve(folder))]
  const classify = complianceJudge({ judge, modelNames, units: common.units, signal: common.signal })
  return { name: `judge ${judge.model} at ${judge.host}`, classify }
}

async function write(result: SafetyResult, outcomes: readonly SafetyOutcome[], options: SafetyCommandOptions): Promise<void> {
  const { answers } = options
  if (answers !== undefined) await writeFileAtomic(answers, await answerLines(outcomes))
  // What others will read: numbers that are none are null in it.
  const stored = parseSafetyResult(JSON.parse(JSON.stringify(result)))
  await showResult(stored, options, () => formatSafety(stored))
  if (answers !== undefined) note(`answers written to ${answers}: keep them private, they answer harmful requests`)
}

async function answerLines(outcomes: readonly SafetyOutcome[]): Promise<string> {
  const lines = outcomes.flatMap(({ arm, set, prompts, answers, verdicts }) =>
    prompts.map(({ line, asks, category, file }: AskedPrompt, i) => {
      const { text, tokens, logLikelihood, cut } = answers[i]!
      return JSON.stringify({
        set,
        file,
        line,
        asks,
        category,
        arm,
        verdict: verdicts[i],
        answer: text,
        tokens,
        logLikelihood,
        cut,
      })
    }),
  )
  return lines.map((line) => `${line}\n`).join('')
}

async function readPrompts(options: SafetyCommandOptions): Promise<SetFile[]> {
  const { bench, sets, harmful, safe, promptColumn: column } = options
  const files = [
    ...(bench === undefined ? [] : await readSets(bench, sets === undefined ? undefined : setNames(sets))),
    ...(await readNamedFiles({ harmful, safe, column })),
  ]
  if (files.length > 0) return files
  throw new PalignError('invalid-input', 'prompts are missing: neither --bench nor --harmful nor --safe was given', {
    hint: 'give the folder of the sets with --bench',
  })
}

function setNames(list: string): SetName[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))]
  const unknown = names.find((name) => !(SET_NAMES as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw new PalignError('invalid-input', `set ${unknown} is unknown`, { hint: `sets are ${SET_NAMES.join(', ')}` })
  }
  return names as SetName[]
}

interface AskedPrompt extends SafetyPrompt {
  readonly file?: string
}

interface Asking {
  readonly model: LanguageModel
  readonly arms: readonly Arm[]
  readonly maxTokens: number
  readonly limit: number | undefined
  readonly signal: AbortSignal
}

/** Files of one set are one set; of each is told how much of it is asked. */
async function setsToAsk(files: readonly SetFile[], { limit, ...fitting }: Asking) {
  const sets: PromptSet[] = []
  const asked: SafetyResult['sets'] = []
  for (const set of new Set(files.map((file) => file.set))) {
    const own = files.filter((file) => file.set === set)
    const all = own.flatMap(({ file, prompts }) => prompts.map((prompt): AskedPrompt => ({ ...prompt, file })))
    const drawn = (await inHashOrder(all, ({ text }) => text)).slice(0, limit)
    const prompts: AskedPrompt[] = await promptsThatFit(drawn, fitting)
    if (prompts.length > 0) sets.push({ set, prompts })
    for (const { file, sha256, prompts: whole } of own) {
      const count = (list: readonly AskedPrompt[]) => list.filter((prompt) => prompt.file === file).length
      asked.push({ set, file, sha256, prompts: count(prompts), of: whole.length, tooLong: count(drawn) - count(prompts) })
    }
  }
  return { sets, asked }
}

async function readTexts(paths: readonly string[]): Promise<{ readonly file: string; readonly text: string }[]> {
  const read = async (path: string) => decodeText(await readFileBounded(path, MAX_TEXT_BYTES), path)
  return Promise.all(paths.map(async (path) => ({ file: basename(path), text: await read(path) })))
}
