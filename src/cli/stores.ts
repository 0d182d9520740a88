/** @file Where a command keeps its work: `--store FOLDER`, `--database-url-file FILE`, or the database of DATABASE_URL. */
import { PalignError } from '../errors.ts'
import type { StoreAddress } from '../node/open-store.ts'
import { type OpenedUnits, openUnits } from '../node/open-units.ts'
import { readFileBounded } from '../node/read-file.ts'
import { note } from './output.ts'

export interface StoreOptions {
  readonly store?: string
  readonly databaseUrlFile?: string
}

/** What is written on the command line wins over the environment. An address with a password never stands on the command line itself. */
export async function storeAddress({ store, databaseUrlFile }: StoreOptions): Promise<StoreAddress | undefined> {
  if (store !== undefined && databaseUrlFile !== undefined) {
    throw new PalignError('invalid-input', '--store and --database-url-file were both given, expected one of them')
  }
  if (store !== undefined) return { kind: 'folder', folder: store }
  const url =
    databaseUrlFile === undefined
      ? process.env.DATABASE_URL
      : new TextDecoder().decode(await readFileBounded(databaseUrlFile, 4096)).trim()
  return url === undefined || url === '' ? undefined : { kind: 'postgres', url }
}

/** Units of an evaluation; undefined where nothing was named: then nothing outlives the process. */
export async function openCommandUnits(options: StoreOptions): Promise<OpenedUnits | undefined> {
  const address = await storeAddress(options)
  if (address === undefined) return undefined
  const units = await openUnits(address)
  if (address.kind === 'postgres')
    note('palign: finished work is kept in the PostgreSQL database and shared with everybody who uses it')
  return units
}
