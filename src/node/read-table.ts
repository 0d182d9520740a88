/** @file JSONL and CSV of bounded size, every row with the line on which it ends; errors name file and line. */
import { PalignError } from '../errors.ts'
import { type JsonValue, parseStrictJson } from '../formats/strict-json.ts'
import { readFileBounded } from './read-file.ts'

const MAX_BYTES = 1 << 28
const MAX_ROWS = 1_000_000

export interface JsonLine {
  /** Counted from 1. */
  readonly line: number
  readonly value: JsonValue
}

/** Blank lines are passed over. @throws PalignError `not-found`, `malformed-file` */
export async function readJsonLines(path: string): Promise<JsonLine[]> {
  const rows: JsonLine[] = []
  for (const [place, text] of (await readText(path)).split('\n').entries()) {
    if (text.trim() === '') continue
    if (rows.length === MAX_ROWS) throw new PalignError('malformed-file', `file ${path} has more than ${MAX_ROWS} rows`)
    rows.push({ line: place + 1, value: parseStrictJson(text, `file ${path}, line ${place + 1}`) })
  }
  return rows
}

export interface CsvRow {
  /** On which the row ends, counted from 1: cells may hold line ends. */
  readonly line: number
  /** By column. */
  readonly cells: Readonly<Record<string, string>>
}

/** Comma-separated values with a header (RFC 4180). @throws PalignError `not-found`, `malformed-file` */
export async function readCsv(path: string): Promise<CsvRow[]> {
  const { parse } = await import('csv-parse/sync')
  const text = await readText(path)
  try {
    // The types of csv-parse know nothing of what these options make of a row.
    const records = parse(text, {
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      to: MAX_ROWS + 1,
    }) as unknown as {
      info: { lines: number }
      record: Record<string, string>
    }[]
    if (records.length > MAX_ROWS) throw new PalignError('malformed-file', `file ${path} has more than ${MAX_ROWS} rows`)
    return records.map(({ info, record }) => ({ line: info.lines, cells: record }))
  } catch (cause) {
    if (cause instanceof PalignError) throw cause
    throw new PalignError('malformed-file', `file ${path} is no CSV: ${(cause as Error).message}`, { cause })
  }
}

async function readText(path: string): Promise<string> {
  const bytes = await readFileBounded(path, MAX_BYTES)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new PalignError('malformed-file', `file ${path} is no text in UTF-8`, { cause })
  }
}
