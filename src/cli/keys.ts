/** @file `palign keys`: makes, lists and revokes the keys that `palign serve` asks for. */
import { PalignError } from '../errors.ts'
import { createKey, defaultKeyFile, readKeys, revokeKey, type StoredKey } from '../server/keys.ts'
import type { Scope } from '../server/scopes.ts'
import { note, print, printJson } from './output.ts'

interface FileOptions {
  readonly keys?: string
  readonly json?: boolean
}

interface CreateOptions extends FileOptions {
  readonly name: string
  readonly scope: readonly string[]
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  readonly concurrency?: number
  readonly days?: number
}

const DAY_MS = 86_400_000

export async function createKeyCommand(options: CreateOptions): Promise<void> {
  const { name, scope, requestsPerMinute, tokensPerMinute, concurrency, days } = options
  const limits = {
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
    ...(concurrency !== undefined && { concurrency }),
  }
  const path = options.keys ?? defaultKeyFile()
  const { key, stored } = await createKey(path, {
    name,
    scopes: [...new Set(scope)] as Scope[],
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(days !== undefined && { expires: new Date(Date.now() + days * DAY_MS).toISOString() }),
  })
  if (options.json) printJson({ key, ...shown(stored) })
  else print(key)
  note(`this is the only time that the key is shown; its hash is in ${path}`)
}

export async function listKeysCommand(options: FileOptions): Promise<void> {
  const keys = await readKeys(options.keys ?? defaultKeyFile())
  if (options.json) {
    printJson(keys.map(shown))
    return
  }
  if (keys.length === 0) note('there are no keys; make one with palign keys create --name NAME')
  for (const { id, name, scopes, expires } of keys)
    print(`${id}  ${name}  ${scopes.join(',')}${expires ? `  until ${expires}` : ''}`)
}

export async function revokeKeyCommand(which: string, options: FileOptions): Promise<void> {
  if (which.startsWith('pk_')) {
    throw new PalignError('invalid-input', 'key itself was given, expected its id or its name', {
      hint: 'palign keys list shows ids',
    })
  }
  const { id, name } = await revokeKey(options.keys ?? defaultKeyFile(), which)
  if (options.json) printJson({ revoked: id })
  else print(`${id} ${name} is revoked`)
}

/** Without the hash. */
const shown = ({ hash: _, ...rest }: StoredKey) => rest
