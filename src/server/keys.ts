/**
 * @file API keys in a file that holds their hashes only: `{ version, keys: [{ id, name, hash, scopes, limits, created, expires }] }`. A key is shown once,
 * when it is made; one that was revoked in the file is refused from the next request on.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { writeFileAtomic } from '../node/atomic-write.ts'
import { ifExists, readJson } from '../node/read-file.ts'
import { SCOPES } from './scopes.ts'

const perMinute = z.number().int().min(1).max(1e9).optional()
const storedKey = z.strictObject({
  id: z.string().regex(/^key_[0-9a-f]{12}$/),
  name: z.string().min(1).max(64),
  /** sha256 in hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  limits: z
    .strictObject({
      requestsPerMinute: perMinute,
      tokensPerMinute: perMinute,
      concurrency: z.number().int().min(1).max(1024).optional(),
    })
    .optional(),
  created: z.iso.datetime(),
  expires: z.iso.datetime().optional(),
})
const keyFile = z.strictObject({ version: z.literal(1), keys: z.array(storedKey).max(10_000) })

export type StoredKey = z.infer<typeof storedKey>
export type NewKey = Pick<StoredKey, 'name' | 'scopes' | 'limits' | 'expires'>

const MOST_BYTES = 8 << 20
/** 256 bits: nothing that could be tried out, so that a plain hash keeps it. */
const KEY_BYTES = 32

/** `PALIGN_KEYS`, or the file in the folder that the XDG rules name. */
export function defaultKeyFile(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.PALIGN_KEYS ?? join(environment.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'palign', 'keys.json')
}

export const hashOfKey = (key: string) => createHash('sha256').update(key).digest()

/** Empty where there is no file. @throws PalignError `malformed-file` */
export async function readKeys(path: string): Promise<readonly StoredKey[]> {
  const json = await ifExists(readJson(path, MOST_BYTES))
  if (json === undefined) return []
  const parsed = keyFile.safeParse(json)
  if (parsed.success) return parsed.data.keys
  const at = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new PalignError('malformed-file', `file ${path} is no file of keys: ${at} is wrong`, {
    hint: 'palign keys create writes such files',
  })
}

/** @returns the key itself, which is kept nowhere, and what is kept of it */
export async function createKey(
  path: string,
  wanted: NewKey,
  now = new Date(),
): Promise<{ readonly key: string; readonly stored: StoredKey }> {
  const keys = await readKeys(path)
  const key = `pk_${randomBytes(KEY_BYTES).toString('base64url')}`
  const stored: StoredKey = {
    ...wanted,
    id: `key_${randomBytes(6).toString('hex')}`,
    hash: hashOfKey(key).toString('hex'),
    created: now.toISOString(),
  }
  const checked = storedKey.safeParse(stored)
  if (!checked.success) {
    throw new PalignError(
      'invalid-input',
      `key has a wrong ${checked.error.issues[0]?.path.join('.')}: ${checked.error.issues[0]?.message}`,
    )
  }
  await writeKeys(path, [...keys, checked.data])
  return { key, stored: checked.data }
}

/** @param which an id, or a name that only one key has @throws PalignError `not-found`, `invalid-input` */
export async function revokeKey(path: string, which: string): Promise<StoredKey> {
  const keys = await readKeys(path)
  const found = keys.filter(({ id, name }) => id === which || name === which)
  if (found.length === 0)
    throw new PalignError('not-found', `key ${which} does not exist in ${path}`, { hint: 'palign keys list shows ids' })
  if (found.length > 1)
    throw new PalignError('invalid-input', `name ${which} belongs to ${found.length} keys`, { hint: 'give an id' })
  await writeKeys(
    path,
    keys.filter((key) => key !== found[0]),
  )
  return found[0]!
}

async function writeKeys(path: string, keys: readonly StoredKey[]): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`, { mode: 0o600 })
}

export interface KeyRing {
  /** The key with this hash that has not expired. */
  find(hash: Uint8Array): Promise<StoredKey | undefined>
}

export interface KeyRingOptions {
  readonly path: string
  /** Told when the file cannot be read any more: until it can, no key is good. */
  readonly onFailure?: ((error: unknown) => void) | undefined
  readonly now?: (() => number) | undefined
}

/** Looks at the file again whenever it has changed. @throws PalignError as `readKeys` does, at first */
export async function keyRing({ path, onFailure = () => undefined, now = Date.now }: KeyRingOptions): Promise<KeyRing> {
  let version = await versionOf(path)
  let keys = await readKeys(path)
  return {
    async find(hash) {
      const current = await versionOf(path)
      if (current !== version) {
        keys = await readKeys(path).catch((error: unknown) => {
          onFailure(error)
          return []
        })
        version = current
      }
      let found: StoredKey | undefined
      for (const key of keys) if (timingSafeEqual(Buffer.from(key.hash, 'hex'), hash)) found = key
      return found?.expires !== undefined && Date.parse(found.expires) <= now() ? undefined : found
    },
  }
}

/** Every write makes a new file. */
async function versionOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined)
  return info === undefined ? 'none' : `${info.ino}:${info.size}:${info.mtimeMs}`
}
