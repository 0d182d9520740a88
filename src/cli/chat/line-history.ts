/** @file Lines typed in earlier chats, in a file that only its owner reads. */
import { appendFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { PalignError } from '../../errors.ts'
import { makeFolder, writeFileAtomic } from '../../node/atomic-write.ts'
import { decodeText, ifExists, readFileBounded } from '../../node/read-file.ts'
import { harmless } from './terminal-text.ts'

const MOST_LINES = 1000
const LONGEST_LINE = 4096
/** A file that several chats added to is cut when the next one begins. */
const MOST_BYTES = 16 << 20
const OWNER_ONLY = 0o600

export interface LineHistory {
  /** The oldest first. */
  readonly lines: readonly string[]
  add(line: string): void
}

/** `PALIGN_STATE`, or the folder that the XDG rules name. */
export function historyPath(environment: NodeJS.ProcessEnv): string {
  const folder = environment.PALIGN_STATE ?? join(environment.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'palign')
  return join(folder, 'chat-history')
}

/** @throws where the file cannot be read or written, or others can read it */
export async function lineHistory(path: string): Promise<LineHistory> {
  await makeFolder(dirname(path))
  await assertOwnersAlone(path)
  const bytes = await ifExists(readFileBounded(path, MOST_BYTES))
  const all = bytes === undefined ? [] : decodeText(bytes, path).split('\n').filter(isKept)
  const lines = all.slice(-MOST_LINES)
  // Also where nothing is cut: the file is there, and its owner's alone, before the first line goes into it.
  await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''), { mode: OWNER_ONLY })
  let last = lines.at(-1)
  return {
    lines,
    add(line) {
      if (!isKept(line) || line === last) return
      last = line
      // At once and in one piece: chats beside this one add to the same file.
      appendFileSync(path, `${line}\n`, { mode: OWNER_ONLY })
    },
  }
}

/** No line that would move the cursor when it is called back. */
const isKept = (line: string) => line.trim() !== '' && line.length <= LONGEST_LINE && harmless(line) === line

/** What was made here is; another file, named by mistake, must not be cut as a history is. */
async function assertOwnersAlone(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  // Windows has no such bits.
  if (info === undefined || process.platform === 'win32' || (info.mode & 0o077) === 0) return
  throw new PalignError('invalid-input', `file ${path} is open to others, expected a history that its owner alone can read`, {
    hint: 'name another file, or take the rights of others away',
  })
}
