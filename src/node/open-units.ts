/** @file The store of an evaluation in a folder: one SQLite file, and this process as one of those that may work on it. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type SqliteUnits, sqliteUnits } from '../store/sqlite-units.ts'
import { makeFolder } from './atomic-write.ts'

/** Makes the folder where it is missing. Throws `malformed-file` as `sqliteUnits` does. */
export async function openUnits(folder: string): Promise<SqliteUnits> {
  await makeFolder(folder)
  const owner = [hostname(), process.pid, Date.now()].join(' ')
  return sqliteUnits({ path: join(folder, 'units.sqlite'), owner, isGone })
}

/** Only of this machine's processes is it known. A number that another process has got since looks alive: then the lease runs out. */
function isGone(owner: string): boolean {
  const [host, pid] = owner.split(' ')
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
