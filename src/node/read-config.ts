/** @file JSON files of a model folder as records. */
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { type JsonValue, parseStrictJson } from '../formats/strict-json.ts'
import { withoutCodeFields } from './copy-model-text.ts'
import { decodeText, ifExists, readFileBounded } from './read-file.ts'

const MAX_CONFIG_BYTES = 1 << 20

export type JsonRecord = { readonly [key: string]: JsonValue }

export async function readConfigRecord(folder: string): Promise<JsonRecord> {
  const path = join(folder, 'config.json')
  return recordOf(await readFileBounded(path, MAX_CONFIG_BYTES), path)
}

/** An empty record where the folder has none. */
export async function readTokenizerConfig(folder: string): Promise<JsonRecord> {
  const path = join(folder, 'tokenizer_config.json')
  const bytes = await ifExists(readFileBounded(path, MAX_CONFIG_BYTES))
  return bytes === undefined ? {} : recordOf(bytes, path)
}

export function recordOf(bytes: Uint8Array, path: string): JsonRecord {
  const json = parseStrictJson(decodeText(bytes, path), `file ${path}`)
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json
  throw new PalignError('malformed-file', `file ${path} holds no JSON object`)
}

/** The text of tokenizer_config.json for an export: loaders need one, and choose a class by the family of the model, which may have changed, unless it is named. */
export async function exportedTokenizerConfig(folder: string): Promise<string> {
  const kept = withoutCodeFields(await readTokenizerConfig(folder)) as JsonRecord
  return `${JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', ...kept }, null, 2)}\n`
}
