/** @file The files of capability sets in a folder -> tasks. What each task needs is looked for in the folder and in those of its kinds below. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { at, PalignError } from '../errors.ts'
import { type ChoiceItem, parseChoiceItem, parseExampleItem, parseProblemItem, parseTruthItem } from '../eval/capability/items.ts'
import {
  gsm8kTask,
  hellaswagTask,
  mmluTask,
  questionTask,
  TASK_NAMES,
  type Task,
  truthfulqaTask,
} from '../eval/capability/tasks.ts'
import { decodeJson, readFileBounded } from '../node/read-file.ts'
import { type JsonLines, readJsonLines } from '../node/read-json-lines.ts'

const MAX_BENCH_BYTES = 256 << 20
const MAX_ROWS = 1_000_000
const FOLDERS = ['', 'reasoning', 'truthfulness']
/** Worked problems before every problem, where the folder has the file they come from. */
const PROBLEM_SHOTS = 5

export interface BenchFile {
  readonly file: string
  readonly sha256: string
}

export interface ReadTask extends BenchFile {
  readonly task: Task
  /** Where worked examples come from. */
  readonly examples?: BenchFile | undefined
}

/**
 * @param name one of the tasks, or the path of a JSONL file with {id, question, choices[], answer}, which is asked as ARC is
 * @throws PalignError `not-found`, `malformed-file` naming file and line, `invalid-input` for a name that is no task
 */
export async function readTask(folder: string, name: string): Promise<ReadTask> {
  switch (name) {
    case 'mmlu': {
      const test = await readItems(await find(folder, 'mmlu_test.jsonl'), parseChoiceItem)
      const dev = await readItems(await find(folder, 'mmlu_dev.jsonl'), parseChoiceItem)
      return { task: mmluTask(unique(test), dev.items), ...fileOf(test), examples: fileOf(dev) }
    }
    case 'arc-challenge': {
      const test = await readItems(await find(folder, 'arc_challenge_test.jsonl'), parseChoiceItem)
      return { task: questionTask(name, unique(test)), ...fileOf(test) }
    }
    case 'hellaswag': {
      const test = await readItems(await find(folder, 'hellaswag_val.jsonl'), parseChoiceItem)
      return { task: hellaswagTask(unique(test)), ...fileOf(test) }
    }
    case 'truthfulqa': {
      const test = await readItems(await find(folder, 'truthfulqa_mc_task.json'), parseTruthItem)
      const path = await seek(folder, 'truthfulqa_examples.jsonl')
      const examples = path === undefined ? undefined : await readItems(path, parseExampleItem)
      return {
        task: truthfulqaTask(test.items, examples?.items ?? []),
        ...fileOf(test),
        ...(examples && { examples: fileOf(examples) }),
      }
    }
    case 'gsm8k': {
      const test = await readItems(await find(folder, 'gsm8k_test.jsonl'), parseProblemItem)
      const path = await seek(folder, 'gsm8k_train.jsonl')
      const train = path === undefined ? undefined : await readItems(path, parseProblemItem)
      const task = gsm8kTask(test.items, train?.items.slice(0, PROBLEM_SHOTS) ?? [])
      return { task, ...fileOf(test), ...(train && { examples: fileOf(train) }) }
    }
    default: {
      if (!/\.jsonl(\.gz)?$/.test(name)) {
        throw new PalignError('invalid-input', `task ${name} is unknown`, {
          hint: `tasks are ${TASK_NAMES.join(', ')}, or the path of a .jsonl file with {id, question, choices, answer}`,
        })
      }
      const test = await readItems(name, parseChoiceItem)
      return { task: questionTask(basename(name).replace(/\.jsonl(\.gz)?$/, ''), unique(test)), ...fileOf(test) }
    }
  }
}

async function find(folder: string, name: string): Promise<string> {
  const found = await seek(folder, name)
  if (found !== undefined) return found
  throw new PalignError(
    'not-found',
    `folder ${folder} has no ${name}, nor ${name}.gz, nor a folder ${FOLDERS.slice(1).join(' or ')} with one`,
    {
      hint: 'give the folder of the sets with --bench, or name the tasks that it has with --tasks',
    },
  )
}

async function seek(folder: string, name: string): Promise<string | undefined> {
  for (const below of FOLDERS) {
    for (const ending of ['', '.gz']) {
      const path = join(folder, below, name + ending)
      const info = await stat(path).catch(() => undefined)
      if (info?.isFile()) return path
    }
  }
  return undefined
}

interface Items<T> extends BenchFile {
  readonly items: readonly T[]
  readonly lines: readonly number[]
  readonly path: string
}

async function readItems<T>(path: string, parse: (value: unknown) => T): Promise<Items<T>> {
  const { rows, sha256 } = path.endsWith('.json')
    ? await readList(path)
    : await readJsonLines(path, { maxBytes: MAX_BENCH_BYTES, maxRows: MAX_ROWS })
  const place = path.endsWith('.json') ? 'entry' : 'line'
  const items = rows.map(({ line, value }) => at(`file ${path}, ${place} ${line}`, () => parse(value)))
  return { items, lines: rows.map(({ line }) => line), path, file: basename(path), sha256 }
}

/** A JSON list; entries count from 1. */
async function readList(path: string): Promise<JsonLines> {
  const bytes = await readFileBounded(path, MAX_BENCH_BYTES)
  const list = decodeJson(bytes, path)
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_ROWS) {
    throw new PalignError('malformed-file', `file ${path} holds no list of 1 to ${MAX_ROWS} entries`)
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { rows: list.map((value: unknown, i) => ({ line: i + 1, value })), sha256 }
}

/** Items by whose ids documents are drawn and known: an id that comes twice is a mistake in the file. */
function unique({ items, lines, path }: Items<ChoiceItem>): readonly ChoiceItem[] {
  const seen = new Map<string, number>()
  for (const [i, { id, question }] of items.entries()) {
    const before = seen.get(id)
    if (before !== undefined && id !== question) {
      throw new PalignError('malformed-file', `file ${path}, line ${lines[i]}: id ${id} stands in line ${before} too`)
    }
    seen.set(id, lines[i]!)
  }
  return items
}

const fileOf = ({ file, sha256 }: BenchFile): BenchFile => ({ file, sha256 })
