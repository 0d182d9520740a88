/** @file Bounded file reading with errors that say what was looked for. */
import { open, stat } from 'node:fs/promises'
import { PalignError } from '../errors.ts'
import type { ByteSource } from '../formats/byte-source.ts'
import { assertBoundedJson } from '../formats/strict-json.ts'

export interface OpenFile extends ByteSource {
  close(): Promise<void>
}

/** Opens a regular file for random access; folders, pipes and devices are refused. */
export async function openFile(path: string): Promise<OpenFile> {
  const failed = (cause: NodeJS.ErrnoException): never => {
    const reason = cause.code === 'ENOENT' || cause.code === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${cause.code}`
    throw new PalignError('not-found', `file ${path} ${reason}`, { cause })
  }
  // Before opening: opening a pipe would wait for its writer.
  const info = await stat(path).catch(failed)
  if (!info.isFile()) throw new PalignError('invalid-input', `path ${path} is not a regular file`)
  const file = await open(path, 'r').catch(failed)
  return {
    byteLength: info.size,
    async slice(start, end) {
      const bytes = new Uint8Array(end - start)
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
        if (bytesRead === 0)
          throw new PalignError('malformed-file', `file ${path} ended at byte ${start + filled}, expected ${end}`)
        filled += bytesRead
      }
      return bytes
    },
    close: () => file.close(),
  }
}

export async function readFileBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await openFile(path)
  try {
    if (file.byteLength > maxBytes) {
      throw new PalignError('malformed-file', `file ${path} has ${file.byteLength} bytes, at most ${maxBytes} are read`)
    }
    return await file.slice(0, file.byteLength)
  } finally {
    await file.close()
  }
}

/** UTF-8 text; a byte order mark is left out. @throws PalignError `malformed-file` */
export function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new PalignError('malformed-file', `file ${path} is no text in UTF-8`, { cause })
  }
}

/** UTF-8 JSON; what it holds is checked by the caller. */
export async function readJson(path: string, maxBytes: number): Promise<unknown> {
  return decodeJson(await readFileBounded(path, maxBytes), path)
}

/** Bounded in depth, numbers finite. @throws PalignError `malformed-file` */
export function decodeJson(bytes: Uint8Array, path: string): unknown {
  try {
    const json: unknown = JSON.parse(decodeText(bytes, path))
    assertBoundedJson(json, `file ${path}`)
    return json
  } catch (cause) {
    if (cause instanceof PalignError) throw cause
    throw new PalignError('malformed-file', `file ${path} is not valid JSON`, { cause })
  }
}

/** `undefined` where the file does not exist; every other failure is an error. */
export async function ifExists<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof PalignError && error.code === 'not-found') return undefined
    throw error
  })
}
