/** @file The units of an evaluation: a SQLite file in a folder, or a PostgreSQL database; and this process as one of those that may work on them. */
import { join } from 'node:path'
import { sqliteUnits, type UnitStore } from '../store/sqlite-units.ts'
import { makeFolder } from './atomic-write.ts'
import { isGone, openStore, type StoreAddress, workerName } from './open-store.ts'

export interface OpenedUnits extends UnitStore {
  close(): Promise<void>
}

/** Makes the folder where it is missing. Errors as those of `openSqlite` and `openPostgres`. */
export async function openUnits(address: StoreAddress): Promise<OpenedUnits> {
  if (address.kind === 'postgres') {
    const { units, close } = await openStore(address)
    return { ...units, close }
  }
  await makeFolder(address.folder)
  const { close, ...units } = sqliteUnits({ path: join(address.folder, 'units.sqlite'), owner: workerName(), isGone })
  return { ...units, close: async () => close() }
}
