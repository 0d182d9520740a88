/** @file `palign rate export` and `palign rate import`: comparisons for people to judge, and what their judgements say. */
import { join } from 'node:path'
import { at, PalignError } from '../errors.ts'
import { type Answer, answeredPrompts, parseAnswer, parseRatingPrompt } from '../eval/rating/answers.ts'
import { designRating } from '../eval/rating/design.ts'
import { formatRatings } from '../eval/rating/format-ratings.ts'
import { generateAnswers } from '../eval/rating/generate-answers.ts'
import {
  labelStudioInterface,
  labelStudioRatings,
  labelStudioTableRatings,
  labelStudioTasks,
} from '../eval/rating/label-studio.ts'
import { armsNamedIn, packageLines, parseRatingKey } from '../eval/rating/package.ts'
import { ratingPage } from '../eval/rating/page.ts'
import { countBallot, type PlacedRating, parseRating } from '../eval/rating/ratings.ts'
import { ratingsResult } from '../eval/rating/result.ts'
import { prepareToWriteFolder, writeFolderAtomic } from '../node/atomic-folder.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import type { Device } from '../node/device-names.ts'
import { packageVersion } from '../node/package-version.ts'
import { readCsv } from '../node/read-csv.ts'
import { readJson } from '../node/read-file.ts'
import { readJsonLines } from '../node/read-json-lines.ts'
import { armsOf, readPersonas } from './arms.ts'
import { openModel } from './open-model.ts'
import { interruptSignal, note, print, printJson, showResult, stage } from './output.ts'

interface RateExportOptions {
  readonly answers?: string
  readonly model?: string
  readonly device?: Device
  readonly persona?: readonly string[]
  readonly passphraseFile?: string
  readonly prompts?: string
  readonly saveAnswers?: string
  readonly temperature: number
  readonly topP: number
  readonly maxTokens: number
  readonly out: string
  readonly format: 'page' | 'label-studio'
  readonly pairs?: number
  readonly raters: number
  readonly overlap: number
  readonly repeat: number
  readonly attention: number
  readonly seed: number
  readonly json?: boolean
}

interface RateImportOptions {
  readonly key: string
  readonly ratings: readonly string[]
  readonly allowedFailures: number
  readonly seed: number
  readonly out?: string
  readonly json?: boolean
}

const MAX_JSON_BYTES = 1 << 28
const LIMITS = { maxBytes: 1 << 28, maxRows: 1_000_000 } as const

export async function rateExportCommand(options: RateExportOptions): Promise<void> {
  const { out, format } = options
  await prepareToWriteFolder(out)
  const prompts = answeredPrompts(await answersOf(options))
  const design = await designRating(prompts, { ...options, version: packageVersion() })
  const files: Readonly<Record<string, string>> = {
    'package.jsonl': packageLines(design.package),
    'key.json': `${JSON.stringify(design.key, null, 2)}\n`,
    ...(format === 'page'
      ? { 'rate.html': await ratingPage(design.package) }
      : {
          'tasks.json': `${JSON.stringify(labelStudioTasks(design.package), null, 2)}\n`,
          'interface.xml': labelStudioInterface(),
        }),
  }
  await writeFolderAtomic(out, async (folder) => {
    for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(folder, name), content)
  })
  const named = armsNamedIn(design.package, design.key.arms)
  if (named.length > 0) note(`palign: texts that raters see contain the name of ${named.join(', ')}: they may give the arm away`)
  const written = {
    package: design.package.id,
    files: Object.keys(files).map((name) => join(out, name)),
    arms: design.key.arms,
    raters: options.raters,
    comparisons: design.comparisons,
    shared: design.shared,
    identicalTexts: design.key.identicalTexts,
    namedInTexts: named,
    seed: options.seed,
  }
  if (options.json) {
    printJson(written)
    return
  }
  print(
    `package ${written.package}: ${written.comparisons} comparisons for ${written.raters} raters, ${(100 * written.shared).toFixed(0)} % seen by three or all; ${written.identicalTexts} pairs of answers are the same text and left out`,
  )
  print(`written: ${written.files.join(', ')}`)
  print(
    format === 'page'
      ? `Give raters rate.html and a code each (${Object.keys(design.package.assignments)[0]} ...); keep key.json to yourself.`
      : 'Import tasks.json into Label Studio, with interface.xml as labelling interface and tasks in random order; keep key.json to yourself.',
  )
}

async function answersOf(options: RateExportOptions): Promise<Answer[]> {
  const { answers, model, prompts, saveAnswers } = options
  if ((answers === undefined) === (model === undefined)) {
    throw new PalignError(
      'invalid-input',
      `rate export was given ${answers === undefined ? 'no answers' : 'answers and a model'}`,
      {
        hint: 'give either --answers FILE.jsonl, or --model, --persona and --prompts',
      },
    )
  }
  if (answers !== undefined) return readLines(answers, parseAnswer)
  if (prompts === undefined || options.persona === undefined) {
    throw new PalignError('invalid-input', '--model was given without --prompts and --persona', {
      hint: 'the unsteered model is compared with every --persona on the prompts of a file',
    })
  }
  if (saveAnswers !== undefined) await prepareToWrite(saveAnswers)
  return writeAnswers(options, model!, prompts, options.persona)
}

async function writeAnswers(
  options: RateExportOptions,
  folder: string,
  file: string,
  paths: readonly string[],
): Promise<Answer[]> {
  const { temperature, topP, maxTokens, seed, saveAnswers } = options
  const signal = interruptSignal()
  const prompts = await readLines(file, parseRatingPrompt)
  const personas = await readPersonas(paths, options)
  const model = await openModel({ ...options, model: folder })
  try {
    const { update, end } = stage('answers')
    const arms = armsOf(personas, model)
    const answers = await generateAnswers({
      model,
      arms,
      prompts,
      temperature,
      topP,
      maxTokens,
      seed,
      signal,
      onProgress: update,
    })
    end()
    if (saveAnswers !== undefined) await writeFileAtomic(saveAnswers, answers.map((each) => `${JSON.stringify(each)}\n`).join(''))
    return answers
  } finally {
    await model.dispose()
  }
}

export async function rateImportCommand(options: RateImportOptions): Promise<void> {
  const { allowedFailures, seed, out } = options
  if (out !== undefined) await prepareToWrite(out)
  const key = parseRatingKey(await readJson(options.key, MAX_JSON_BYTES))
  const ratings: PlacedRating[] = []
  for (const path of options.ratings) ratings.push(...(await readRatings(path)))
  const result = ratingsResult(key, countBallot(key, ratings, { allowedFailures }), { seed, version: packageVersion() })
  await showResult(result, options, () => formatRatings(result))
}

/** What a file is, its name tells: JSONL of the page, JSON or CSV of Label Studio. */
async function readRatings(path: string): Promise<PlacedRating[]> {
  if (/\.json$/i.test(path)) return labelStudioRatings(await readJson(path, MAX_JSON_BYTES), path)
  if (/\.csv$/i.test(path)) return labelStudioTableRatings((await readCsv(path, LIMITS)).rows, path)
  const { rows: lines } = await readJsonLines(path, LIMITS)
  return lines.map(({ line, value }) => {
    const place = `file ${path}, line ${line}`
    return { place, rating: at(place, () => parseRating(value)) }
  })
}

async function readLines<T>(path: string, parse: (value: unknown) => T): Promise<T[]> {
  return (await readJsonLines(path, LIMITS)).rows.map(({ line, value }) => at(`file ${path}, line ${line}`, () => parse(value)))
}
