/** @file CSV files with a header (RFC 4180, UTF-8 with or without a byte order mark), read whole and bounded; line ends become `\n`. Errors name file and line and quote nothing. */
import { createHash } from 'node:crypto'
import { CsvError, parse } from 'csv-parse/sync'
import { PalignError } from '../errors.ts'
import { decodeText, readFileBounded } from './read-file.ts'

export interface CsvRow {
  /** Where it ends; the header is in line 1. */
  readonly line: number
  readonly values: ReadonlyMap<string, string>
}

export interface CsvTable {
  readonly columns: readonly string[]
  readonly rows: readonly CsvRow[]
  /** Of the file as it lies there. */
  readonly sha256: string
}

export interface CsvLimits {
  readonly maxBytes: number
  readonly maxRows: number
}

/** @throws PalignError `not-found`, `malformed-file` */
export async function readCsv(path: string, { maxBytes, maxRows }: CsvLimits): Promise<CsvTable> {
  const bytes = await readFileBounded(path, maxBytes)
  const [header, ...records] = recordsOf(path, bytes, maxRows)
  if (header === undefined || records.length === 0) {
    throw new PalignError('malformed-file', `file ${path} holds no rows, expected a header and at least one`)
  }
  if (records.length > maxRows) throw new PalignError('malformed-file', `file ${path} has more than ${maxRows} rows`)
  const columns = header.record
  const twice = columns.find((name, i) => columns.indexOf(name) !== i)
  if (twice !== undefined) throw new PalignError('malformed-file', `file ${path} names the column ${twice.slice(0, 40)} twice`)
  const rows = records.map(({ record, info }): CsvRow => {
    if (record.length !== columns.length) {
      const seen = `${record.length} columns, the header has ${columns.length}`
      throw new PalignError('malformed-file', `file ${path}, line ${info.lines} has ${seen}`)
    }
    return { line: info.lines, values: new Map(columns.map((name, i) => [name, record[i]!])) }
  })
  return { columns, rows, sha256: createHash('sha256').update(bytes).digest('hex') }
}

interface RecordWithInfo {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

function recordsOf(path: string, bytes: Uint8Array, maxRows: number): RecordWithInfo[] {
  // The parser counts two lines for the two characters of one line end inside quotation marks.
  const text = decodeText(bytes, path).replaceAll('\r\n', '\n')
  try {
    // One row more than may be read, so that too many are noticed.
    const options = {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: bytes.length,
      to: maxRows + 2,
    }
    return parse(text, options) as unknown as RecordWithInfo[]
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    // The parser's own message quotes the row.
    const at = typeof cause.lines === 'number' ? `, line ${cause.lines}` : ''
    throw new PalignError('malformed-file', `file ${path}${at} is no CSV: ${cause.code}`)
  }
}
