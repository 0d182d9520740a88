/** @file Which files of a repository are downloaded: configuration, tokenizer, licence, and weights in formats that only hold numbers. Nothing that runs. */
import { PalignError } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { isPlainPath, shown } from './hub-names.ts'
import type { HubFile, HubRepository, ListedFile } from './hub-repository.ts'
import { MODEL_LOCK } from './model-lock.ts'

export interface Selection {
  readonly files: readonly HubFile[]
  /** What somebody might miss, each with why it is not downloaded. */
  readonly leftOut: readonly { readonly path: string; readonly why: string }[]
}

const TEXTS = new Set([
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'vocab.json',
  'merges.txt',
  'adapter_config.json',
  'README.md',
])
const LICENCE = /^(LICENSE|LICENCE|COPYING|NOTICE)([._-][\w.-]+)?$/i
const RUNS_CODE = /\.(bin|pt|pth|pkl|pickle|ckpt|npy|npz|h5|keras|msgpack|joblib|dill)(\.index\.json)?$/i
const IS_CODE = /\.(py|pyc|ipynb|sh|so|dll|dylib|js|mjs)$/i
const IS_ARCHIVE = /\.(zip|tar|gz|tgz|bz2|xz|zst|7z|rar|nemo|mar|whl)$/i
const MAY_BE_NAMED = /\.(safetensors|gguf|onnx|json|jinja|txt|md)$|\.onnx[._]data(_\d+)?$/
const WHOLE = 'model.safetensors'
export const SHARD_INDEX = 'model.safetensors.index.json'

/** @throws PalignError as `weightsOf` and `hubFile` */
export function selectFiles(repository: HubRepository, named: readonly string[], shardIndex: string | undefined): Selection {
  const { files } = repository
  const texts = files.filter(({ path }) => TEXTS.has(path) || LICENCE.test(path))
  const weights = named.length > 0 ? namedFiles(repository, named) : weightsOf(repository, shardIndex)
  const chosen = [...new Map([...texts, ...weights].map((file) => [file.path, hubFile(file)])).values()]
  assertApart(chosen)
  const taken = new Set(chosen.map(({ path }) => path))
  return {
    files: chosen,
    leftOut: files
      .filter(({ path }) => !taken.has(path))
      .flatMap(({ path }) => {
        const why = whyLeftOut(path)
        return why === undefined ? [] : [{ path, why }]
      }),
  }
}

/** Whether the list of shards decides which weights there are. */
export function needsShardIndex(repository: HubRepository, named: readonly string[]): ListedFile | undefined {
  if (named.length > 0 || fileOf(repository, WHOLE) !== undefined) return undefined
  return fileOf(repository, SHARD_INDEX)
}

/** The files that the caller asks for, and the external data of ONNX files beside them. @throws PalignError `not-found`, `invalid-input` */
function namedFiles(repository: HubRepository, named: readonly string[]): ListedFile[] {
  return named.flatMap((path) => {
    const file = fileOf(repository, path)
    if (file === undefined) {
      throw new PalignError('not-found', `file ${shown(path)} is not in ${repository.id} at ${repository.commit.slice(0, 12)}`, {
        hint: hintOf(repository),
      })
    }
    if ((!MAY_BE_NAMED.test(path) && !LICENCE.test(path)) || path === MODEL_LOCK) {
      const why = whyLeftOut(path) ?? 'of no format that palign reads'
      throw new PalignError('invalid-input', `file ${shown(path)} is ${why}, expected safetensors, gguf, onnx or text`)
    }
    const data = repository.files.filter(
      (other) => other.path.startsWith(path) && /^[._]data(_\d+)?$/.test(other.path.slice(path.length)),
    )
    return path.endsWith('.onnx') ? [file, ...data] : [file]
  })
}

/**
 * The safetensors at the top; of several kinds the one that the configuration means. Without any, the only GGUF file.
 * @throws PalignError `not-found` where there is none that can be read, or a choice to be made
 */
function weightsOf(repository: HubRepository, shardIndex: string | undefined): ListedFile[] {
  const top = repository.files.filter(({ path }) => !path.includes('/'))
  const whole = fileOf(repository, WHOLE)
  if (whole !== undefined) return [whole]
  const index = fileOf(repository, SHARD_INDEX)
  if (index !== undefined && shardIndex !== undefined) return [index, ...shardsOf(repository, shardIndex)]
  const safetensors = top.filter(({ path }) => /\.safetensors$/i.test(path))
  if (safetensors.length > 0) return safetensors
  const ggufs = repository.files.filter(({ path }) => path.endsWith('.gguf'))
  if (ggufs.length === 1) return ggufs
  const pickles = repository.files.filter(({ path }) => RUNS_CODE.test(path)).map(({ path }) => path)
  const missing = `repository ${repository.id} has no safetensors`
  if (ggufs.length > 1) {
    throw new PalignError('invalid-input', `${missing} and ${ggufs.length} GGUF files`, { hint: hintOf(repository) })
  }
  if (pickles.length > 0) {
    const names = pickles.slice(0, 5).map(shown).join(', ')
    throw new PalignError('not-found', `${missing}, only weights that may run code when they are read: ${names}`, {
      hint: 'ask its publisher for safetensors; palign never downloads such files',
    })
  }
  throw new PalignError('not-found', `${missing}`, { hint: hintOf(repository) })
}

/** Shards as the index names them. @throws PalignError `malformed-file` for a name that is none, or of no file of the repository */
function shardsOf(repository: HubRepository, text: string): ListedFile[] {
  const refuse = (rule: string) => new PalignError('malformed-file', `${SHARD_INDEX} of ${repository.id} ${rule}`)
  const json = parseStrictJson(text, SHARD_INDEX)
  const map = typeof json === 'object' && json !== null && !Array.isArray(json) ? json.weight_map : undefined
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw refuse('has no weight_map')
  const names = [...new Set(Object.values(map))]
  if (names.length === 0) throw refuse('names no shard')
  return names.map((name) => {
    if (typeof name !== 'string' || name.includes('/') || !isPlainPath(name) || !name.endsWith('.safetensors')) {
      throw refuse(`names ${shown(String(name))}, expected a .safetensors file beside it`)
    }
    const shard = fileOf(repository, name)
    if (shard === undefined) throw refuse(`names ${shown(name)}, which is missing`)
    return shard
  })
}

/** @throws PalignError `malformed-file` for a name that cannot be a path here, or where the hub gives no size or no hash */
function hubFile({ path, size, hash }: ListedFile): HubFile {
  const refuse = (rule: string) => new PalignError('malformed-file', `file ${shown(path)} of the hub ${rule}`)
  if (!isPlainPath(path)) throw refuse('has a name that is not taken, expected letters, digits and . _ - + = @')
  if (size === undefined) throw refuse('has no size in its listing')
  if (hash === undefined) throw refuse('has no hash in its listing')
  return { path, size, hash }
}

/** Two names that are one on file systems without upper case. @throws PalignError `malformed-file` */
function assertApart(files: readonly HubFile[]): void {
  const seen = new Set<string>()
  for (const { path } of files) {
    const lower = path.toLowerCase()
    if (seen.has(lower))
      throw new PalignError('malformed-file', `file ${shown(path)} of the hub differs from another in case only`)
    seen.add(lower)
  }
}

function whyLeftOut(path: string): string | undefined {
  if (RUNS_CODE.test(path)) return 'weights that may run code when they are read'
  if (IS_CODE.test(path)) return 'code'
  if (IS_ARCHIVE.test(path)) return 'an archive'
  return /\.(safetensors|gguf|onnx)$/i.test(path) ? 'other weights, to be named with --file' : undefined
}

function hintOf({ files }: HubRepository): string {
  const names = files.map(({ path }) => path).filter((path) => /\.(safetensors|gguf|onnx)$/.test(path) && isPlainPath(path))
  if (names.length === 0) return 'it has no .safetensors, .gguf or .onnx file at all'
  const more = names.length > 12 ? ` and ${names.length - 12} more` : ''
  return `name one with --file: ${names.slice(0, 12).join(', ')}${more}`
}

function fileOf({ files }: HubRepository, path: string): ListedFile | undefined {
  return files.find((file) => file.path === path)
}
