/** @file Work that one process at a time may do, on one machine: a file that names its holder. A holder that died is noticed; one on another machine is not. */
import { randomBytes } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { throwIfAborted } from '../errors.ts'
import { pause, type Wait } from './asking-again.ts'
import { makeFolder } from './atomic-write.ts'

export interface LockHolder {
  readonly pid: number
  readonly host: string
}

export interface ExclusiveLockOptions {
  readonly signal?: AbortSignal | undefined
  readonly wait?: Wait | undefined
  /** Called once when somebody else holds it: undefined for a holder that has not yet written who it is. */
  readonly onWait?: ((holder: LockHolder | undefined, path: string) => void) | undefined
}

interface Lock {
  readonly holder: LockHolder | undefined
  /** Different for every time that it is taken. */
  readonly key: string
  readonly ageMilliseconds: number
}

const POLL_MILLISECONDS = 200
/** A holder writes who it is at once; where that is missing for longer, it died before. */
const UNNAMED_MILLISECONDS = 10_000

/** Waits for as long as somebody else holds it. @throws PalignError `aborted`; what the work throws */
export async function withExclusiveLock<T>(path: string, work: () => Promise<T>, options: ExclusiveLockOptions = {}): Promise<T> {
  const key = await take(path, options)
  try {
    return await work()
  } finally {
    // Somebody may have deleted it by hand and taken it since.
    if ((await readLock(path))?.key === key) await rm(path, { force: true })
  }
}

async function take(path: string, { signal, wait = pause, onWait }: ExclusiveLockOptions): Promise<string> {
  await makeFolder(dirname(path))
  const key = randomBytes(8).toString('hex')
  for (let hasTold = false; ; ) {
    throwIfAborted(signal)
    if (await makeExclusively(path, JSON.stringify({ pid: process.pid, host: hostname(), key }))) return key
    const lock = await readLock(path)
    if (lock === undefined || (isStale(lock) && (await removeStale(path, lock.key)))) continue
    if (!hasTold) onWait?.(lock.holder, path)
    hasTold = true
    await wait(POLL_MILLISECONDS, signal)
  }
}

/**
 * Of all that see the same dead holder one removes its file, and that one looks again first: otherwise a slow one would remove the lock of whoever was faster.
 */
async function removeStale(path: string, key: string): Promise<boolean> {
  const mark = `${path}.${key}`
  if (!(await makeExclusively(mark, ''))) return false
  try {
    if ((await readLock(path))?.key === key) await rm(path, { force: true })
    return true
  } finally {
    await rm(mark, { force: true })
  }
}

async function makeExclusively(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(text).finally(() => file.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** `undefined` where there is none. */
async function readLock(path: string): Promise<Lock | undefined> {
  try {
    const { mtimeMs } = await stat(path)
    const ageMilliseconds = Date.now() - mtimeMs
    const text = await readFile(path, 'utf8')
    const match = /^\{"pid":(\d{1,15}),"host":("[^"\\]{1,255}"),"key":"([0-9a-f]{16})"\}$/.exec(text)
    if (match === null) return { holder: undefined, key: 'unnamed', ageMilliseconds }
    return { holder: { pid: Number(match[1]), host: JSON.parse(match[2]!) as string }, key: match[3]!, ageMilliseconds }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isStale({ holder, ageMilliseconds }: Lock): boolean {
  if (holder === undefined) return ageMilliseconds > UNNAMED_MILLISECONDS
  return holder.host === hostname() && !isAlive(holder.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: somebody else's process.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
