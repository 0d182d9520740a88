/** @file Lines typed in earlier chats, in a file that only its owner reads. */
import { appendFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeFolder, writeFileAtomic } from '../../node/atomic-write.ts'
import { decodeText, ifExists, readFileBounded } from '../../node/read-file.ts'

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

/** @throws where the file cannot be read or written */
export async function lineHistory(path: string): Promise<LineHistory> {
  await makeFolder(dirname(path))
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

const isKept = (line: string) => line.trim() !== '' && line.length <= LONGEST_LINE
