/** @file A file on its way here: bytes as they come, hashed while they are written, to be gone on with after a cut or a kill. */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, writeFileAtomic } from './atomic-write.ts'
import type { HubFile } from './hub-repository.ts'

const CHUNK_BYTES = 1 << 20

export interface PartialFile {
  /** Bytes that are there. */
  length(): number
  /** Of the server's version that they are of; undefined where none is known. */
  etag(): string | undefined
  /** Throws away what is there. */
  restart(etag: string | undefined): Promise<void>
  append(bytes: Uint8Array): Promise<void>
  /** Of what is there, and whether it is what the hub declares. */
  hashes(): { readonly sha256: string; readonly declared: string }
  /** On the disk, whatever happens next. */
  sync(): Promise<void>
  close(): Promise<void>
  /** Closes and deletes. */
  discard(): Promise<void>
}

/** Opens what an earlier run left, or begins. More than is declared is no beginning of the file. */
export async function openPartial(path: string, { size, hash }: HubFile): Promise<PartialFile> {
  await makeFolder(dirname(path))
  const etagPath = `${path}.etag`
  const file = await open(path, 'a+').then(async (made) => {
    await made.close()
    return open(path, 'r+')
  })
  let digests = digestsOf(size, hash.kind)
  let length = 0
  let etag = await readFile(etagPath, 'utf8').catch(() => undefined)
  try {
    const left = (await file.stat()).size
    if (left > size) await file.truncate(0)
    else for (; length < left; ) length += digests.update(await readChunk(file, length))
  } catch (error) {
    await file.close()
    throw error
  }
  return {
    length: () => length,
    etag: () => etag,
    async restart(next) {
      await file.truncate(0)
      digests = digestsOf(size, hash.kind)
      length = 0
      etag = next
      if (next === undefined) await rm(etagPath, { force: true })
      else await writeFileAtomic(etagPath, next)
    },
    async append(bytes) {
      for (let written = 0; written < bytes.length; ) {
        written += (await file.write(bytes, written, bytes.length - written, length + written)).bytesWritten
      }
      length += digests.update(bytes)
    },
    hashes: () => digests.hashes(),
    sync: () => file.sync(),
    close: () => file.close(),
    async discard() {
      await file.close()
      await rm(path, { force: true })
      await rm(etagPath, { force: true })
    },
  }
}

/** sha256 of a file, and the hash that the hub declares for it. */
export async function hashFile(
  path: string,
  expected: Pick<HubFile, 'size' | 'hash'>,
): Promise<{ sha256: string; declared: string }> {
  const digests = digestsOf(expected.size, expected.hash.kind)
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    for (let at = 0; at < size; ) at += digests.update(await readChunk(file, at))
  } finally {
    await file.close()
  }
  return digests.hashes()
}

async function readChunk(file: FileHandle, at: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
  if (bytesRead === 0) throw new Error('file became shorter while it was read')
  return buffer.subarray(0, bytesRead)
}

function digestsOf(size: number, kind: HubFile['hash']['kind']) {
  const sha256 = createHash('sha256')
  // Git's id of a blob: over its type, its length and its content.
  const git: Hash | undefined = kind === 'git-sha1' ? createHash('sha1').update(`blob ${size}\0`) : undefined
  return {
    update(bytes: Uint8Array): number {
      sha256.update(bytes)
      git?.update(bytes)
      return bytes.length
    },
    hashes() {
      const content = sha256.copy().digest('hex')
      return { sha256: content, declared: git?.copy().digest('hex') ?? content }
    },
  }
}
