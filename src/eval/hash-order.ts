/** @file An order that depends on neither a seed nor a file: by the sha256 of what tells members apart. The beginning of it is a draw that everybody makes alike. */
import { sha256 } from './units.ts'

/** Members whose texts are equal keep their order. */
export async function inHashOrder<T>(members: Iterable<T>, textOf: (member: T) => string): Promise<T[]> {
  const hashed = await Promise.all(Array.from(members, async (member) => ({ member, hash: await sha256(textOf(member)) })))
  hashed.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
  return hashed.map(({ member }) => member)
}
