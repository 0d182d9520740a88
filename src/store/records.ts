/**
 * @file What a server keeps: answers of respondents, personas made of them, results. Every record has an owner, and a time when it expires or none.
 * An expired record is not read any more; `expired` names those that are still to be deleted.
 */

/** Bytes of JSON in UTF-8: an adapter of a small model fits, that of a large one belongs into files. */
export const MOST_RECORD_BYTES = 64 << 20

export interface StoredRecord {
  readonly collection: string
  readonly id: string
  readonly owner: string
  /** Milliseconds since 1970. */
  readonly expires: number | undefined
  readonly created: number
  readonly json: unknown
}

export type RecordKey = Pick<StoredRecord, 'collection' | 'id'>

/** Of a record all but what it holds. */
export type RecordFacts = Omit<StoredRecord, 'json'>

/** Of whom: one owner, or everybody where none is named. Oldest first, at most `limit` (default 1000). */
export interface ListRecords {
  readonly owner?: string | undefined
  readonly limit?: number | undefined
}

export interface Records {
  /**
   * Writes or replaces.
   * @throws PalignError `invalid-input` for a record of another owner, and for JSON larger than MOST_RECORD_BYTES
   */
  put(
    collection: string,
    id: string,
    record: { readonly owner: string; readonly expires?: number | undefined; readonly json: unknown },
  ): Promise<void>
  get(collection: string, id: string): Promise<StoredRecord | undefined>
  list(collection: string, options: ListRecords): Promise<StoredRecord[]>
  /** Whether it is there, without reading what it holds. */
  about(collection: string, id: string): Promise<RecordFacts | undefined>
  /** False for a record that does not exist. */
  delete(collection: string, id: string): Promise<boolean>
  /** Records whose time is over at `now`. */
  expired(now: number): Promise<RecordKey[]>
  /** Everything of one owner; how many records that were. */
  deleteOwner(owner: string): Promise<number>
}
