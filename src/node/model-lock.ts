/** @file `palign-lock.json` in a folder that came from a hub: which commit it is, and size and hash of every file. Written once, compared ever after. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { COMMIT, isPlainPath, parseHubId } from './hub-names.ts'
import type { HubFile } from './hub-repository.ts'
import { hashFile } from './partial-file.ts'
import { decodeText, ifExists, readFileBounded } from './read-file.ts'

export const MODEL_LOCK = 'palign-lock.json'
const MAX_BYTES = 1 << 20

export interface LockedFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
  /** Git's id of the blob, of files that the hub declares by it. */
  readonly gitSha1?: string | undefined
}

export interface ModelLock {
  readonly format: 1
  /** Address of the hub. */
  readonly hub: string
  readonly id: string
  /** As it was asked for. */
  readonly revision: string
  readonly commit: string
  readonly licence?: string | undefined
  readonly files: readonly LockedFile[]
}

const isId = (text: string) => {
  try {
    return parseHubId(text).name !== '' && !text.includes('@')
  } catch {
    return false
  }
}

const schema = z.strictObject({
  format: z.literal(1),
  hub: z.url(),
  id: z.string().refine(isId),
  revision: z.string().max(100),
  commit: z.string().regex(COMMIT),
  licence: z.string().max(64).optional(),
  files: z
    .array(
      z.strictObject({
        path: z.string().refine(isPlainPath),
        size: z.int().nonnegative(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        gitSha1: z.string().regex(COMMIT).optional(),
      }),
    )
    .max(1000),
})

/** `undefined` where the folder has none. @throws PalignError `malformed-file` */
export async function readModelLock(folder: string): Promise<ModelLock | undefined> {
  const path = join(folder, MODEL_LOCK)
  const bytes = await ifExists(readFileBounded(path, MAX_BYTES))
  if (bytes === undefined) return undefined
  const parsed = schema.safeParse(parseStrictJson(decodeText(bytes, path), `file ${path}`))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PalignError('malformed-file', `file ${path} is no lock of a model: ${issue?.path.join('.')}: ${issue?.message}`, {
    hint: 'remove the folder and pull the model again',
  })
}

export async function writeModelLock(folder: string, lock: ModelLock): Promise<void> {
  await writeFileAtomic(join(folder, MODEL_LOCK), `${JSON.stringify(lock, null, 2)}\n`)
}

/** Whether a hub declares for a file what the lock holds. */
export function agrees(locked: LockedFile, { size, hash }: HubFile): boolean {
  if (locked.size !== size) return false
  return hash.kind === 'sha256' ? locked.sha256 === hash.hex : locked.gitSha1 === hash.hex
}

/**
 * Real files of the sizes of the lock and, if asked, with its hashes.
 * @throws PalignError `malformed-file` for the first that is not
 */
export async function verifyFolder(folder: string, lock: ModelLock, { hashes }: { readonly hashes: boolean }): Promise<void> {
  for (const file of lock.files) {
    const path = join(folder, file.path)
    const refuse = (rule: string) => {
      const hint = `remove it with palign models rm ${lock.id}, or delete the folder, and pull it again`
      return new PalignError('malformed-file', `file ${path} ${rule}`, { hint })
    }
    const info = await lstat(path).catch(() => undefined)
    if (info === undefined) throw refuse('is missing')
    if (!info.isFile()) throw refuse('is no regular file')
    if (info.size !== file.size) throw refuse(`has ${info.size} bytes, the lock says ${file.size}`)
    if (!hashes) continue
    const { sha256 } = await hashFile(path, { size: file.size, hash: { kind: 'sha256', hex: file.sha256 } })
    if (sha256 !== file.sha256) throw refuse(`has the sha256 ${sha256}, the lock says ${file.sha256}`)
  }
}
