/** @file The prompt sets of a command: those of a folder, known by their columns, and files that were named. Errors name file and line and quote no prompt. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { at, PalignError } from '../errors.ts'
import {
  type Asks,
  type PromptTable,
  promptsOfColumn,
  promptsOfSet,
  type SafetyPrompt,
  SET_NAMES,
  type SetName,
  setNameOf,
} from '../eval/safety/prompt-sets.ts'
import { readCsv } from '../node/read-csv.ts'
import { readJsonLines } from '../node/read-json-lines.ts'

const LIMITS = { maxBytes: 64 << 20, maxRows: 100_000 }
/** A folder of sets holds a few files. */
const MAX_FILES = 1000
/** The sets may lie in the folder, or in one of this name. */
const BELOW = 'safety'

export interface SetFile {
  readonly set: string
  readonly file: string
  readonly sha256: string
  readonly prompts: readonly SafetyPrompt[]
}

export interface NamedFiles {
  readonly harmful?: readonly string[] | undefined
  readonly safe?: readonly string[] | undefined
  /** Of CSV files. */
  readonly column: string
}

/**
 * @param names the sets that are wanted and must be there; default: those that are there
 * @throws PalignError `not-found`, `malformed-file`
 */
export async function readSets(folder: string, names?: readonly SetName[]): Promise<SetFile[]> {
  const files: (SetFile & { readonly set: SetName })[] = []
  for (const path of await csvFiles(folder)) {
    const table = await readCsv(path, LIMITS)
    const set = setNameOf(table.columns)
    if (set === undefined || (names !== undefined && !names.includes(set))) continue
    files.push({ set, file: basename(path), sha256: table.sha256, prompts: at(`file ${path}`, () => promptsOfSet(set, table)) })
  }
  const missing = (names ?? []).find((name) => !files.some(({ set }) => set === name))
  if (missing !== undefined || files.length === 0) {
    throw new PalignError(
      'not-found',
      `folder ${folder} has no CSV file with the columns of ${missing ?? SET_NAMES.join(', ')}`,
      {
        hint: 'give the folder of the sets with --bench, and with --sets those that it has; other files go to --harmful and --safe',
      },
    )
  }
  return SET_NAMES.flatMap((name) => files.filter(({ set }) => set === name))
}

/** CSV with a column of prompts, or JSONL with `question`; called by the files' names. */
export async function readNamedFiles({ harmful = [], safe = [], column }: NamedFiles): Promise<SetFile[]> {
  const named: [string, Asks][] = [
    ...harmful.map((path): [string, Asks] => [path, 'harmful']),
    ...safe.map((path): [string, Asks] => [path, 'safe']),
  ]
  const files: SetFile[] = []
  for (const [path, asks] of named) {
    const isLines = /\.jsonl(\.gz)?$/.test(path)
    const table = isLines ? await readQuestions(path) : await readCsv(path, LIMITS)
    const prompts = at(`file ${path}`, () => promptsOfColumn(table, { column: isLines ? 'question' : column, asks }))
    const set = basename(path).replace(/\.(csv|jsonl|jsonl\.gz)$/, '')
    if ((SET_NAMES as readonly string[]).includes(set) || files.some((file) => file.set === set)) {
      throw new PalignError('invalid-input', `file ${path} has the name ${set}, which another set has`, {
        hint: 'rename the file',
      })
    }
    files.push({ set, file: basename(path), sha256: table.sha256, prompts })
  }
  return files
}

/** Texts of a JSONL file as a table. */
async function readQuestions(path: string): Promise<PromptTable & { readonly sha256: string }> {
  const { rows, sha256 } = await readJsonLines(path, LIMITS)
  const table = rows.map(({ line, value }) => {
    const { question, category } = (value ?? {}) as { question?: unknown; category?: unknown }
    if (typeof question !== 'string') throw new PalignError('malformed-file', `file ${path}, line ${line} has no text "question"`)
    const values = new Map([['question', question]])
    return { line, values: typeof category === 'string' ? values.set('category', category) : values }
  })
  const grouped = table.every(({ values }) => values.has('category'))
  return { columns: grouped ? ['question', 'category'] : ['question'], rows: table, sha256 }
}

async function csvFiles(folder: string): Promise<string[]> {
  const info = await stat(folder).catch(() => undefined)
  if (!info?.isDirectory())
    throw new PalignError('not-found', `folder ${folder} does not exist`, { hint: 'choose another --bench' })
  const paths: string[] = []
  for (const place of [folder, join(folder, BELOW)]) {
    // Most folders have none below.
    const names = await readdir(place).catch(() => [])
    paths.push(...names.filter((name) => name.endsWith('.csv')).map((name) => join(place, name)))
  }
  if (paths.length > MAX_FILES) throw new PalignError('invalid-input', `folder ${folder} has more than ${MAX_FILES} CSV files`)
  return paths.sort()
}
