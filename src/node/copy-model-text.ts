/**
 * @file What goes along when the weights of a model folder are written anew: configuration, tokenizer, template, licence. Code does not, nor the fields that
 * name it: other tools would run it (CVE-2025-66448, CVE-2026-22807). A link may not bring a file of this machine into what is passed on.
 */
import { readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { PalignError } from '../errors.ts'
import { type JsonValue, parseStrictJson } from '../formats/strict-json.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { decodeText, readFileBounded } from './read-file.ts'

/** Not the model card, which describes another model. An index of shards lists sizes that new weights change. */
const COPIED = /^(?!.*\.index\.json$)(.*\.(json|txt|jinja|model)|LICEN[CS]E.*|NOTICE.*)$/
const MAX_BYTES = 64 << 20
/** Where loaders look for the names of classes; a vocabulary may have such words as tokens. */
const CONFIGURATION = /config\.json$/
const CODE_FIELDS: ReadonlySet<string> = new Set(['auto_map', 'custom_pipelines', 'custom_generate'])

export interface CopyOptions {
  readonly from: string
  readonly to: string
  /** Names that somebody else writes. */
  readonly except?: readonly string[] | undefined
}

/** @throws PalignError `invalid-input` for what is no regular file and for a link that leaves the folder; `malformed-file` */
export async function copyModelText({ from, to, except = [] }: CopyOptions): Promise<void> {
  const names = (await readdir(from)).filter((name) => COPIED.test(name) && !except.includes(name))
  for (const name of names) {
    const path = join(from, name)
    await refuseOutside(path, from)
    const bytes = await readFileBounded(path, MAX_BYTES)
    await writeFileAtomic(join(to, name), CONFIGURATION.test(name) ? withoutCode(bytes, path) : bytes)
  }
}

/** The same bytes where no code is named. */
function withoutCode(bytes: Uint8Array, path: string): Uint8Array | string {
  const json = parseStrictJson(decodeText(bytes, path), `file ${path}`)
  const kept = withoutCodeFields(json)
  const text = JSON.stringify(kept, null, 2)
  return text === JSON.stringify(json, null, 2) ? bytes : `${text}\n`
}

/** A configuration without the fields that name code to run. */
export function withoutCodeFields(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(withoutCodeFields)
  if (typeof json !== 'object' || json === null) return json
  const kept = Object.entries(json).filter(([key]) => !CODE_FIELDS.has(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutCodeFields(value)]))
}

/** The cache of Hugging Face has links to `../../blobs`; those and links inside the folder lead to what came with the model. */
async function refuseOutside(path: string, folder: string): Promise<void> {
  const roots = [folder, join(folder, '..', '..', 'blobs')].map((root) => realpath(root).catch(() => undefined))
  const target = await realpath(path).catch(() => undefined)
  const isInside = (await Promise.all(roots)).some((root) => root !== undefined && target?.startsWith(`${root}${sep}`))
  if (isInside) return
  throw new PalignError('invalid-input', `file ${path} is a link that leaves its folder`, {
    hint: 'replace the link by the file if it belongs to the model',
  })
}
