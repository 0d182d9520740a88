/** @file Which persons of a file a command works on, by which methods, and the descriptions of them. */
import { PalignError } from '../errors.ts'
import { METHODS, type MethodName } from '../eval/methods.ts'
import { seededRandom } from '../math/random.ts'
import { shuffled } from '../math/shuffle.ts'
import { readJson } from '../node/read-file.ts'

const MAX_DESCRIPTIONS_BYTES = 1 << 26

/** @throws PalignError `invalid-input` for a name that no method has */
export function methodNames(list: string): MethodName[] {
  const names = list.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !(METHODS as readonly string[]).includes(name))
  if (unknown.length > 0) {
    throw new PalignError('invalid-input', `method ${unknown[0]} is unknown`, { hint: `methods are ${METHODS.join(', ')}` })
  }
  return [...new Set(names)] as MethodName[]
}

/** A seeded draw, in the order of the file. */
export function drawRows(count: number, wanted: number | undefined, seed: number): number[] {
  const rows = Array.from({ length: count }, (_, row) => row)
  if (wanted === undefined || wanted === count) return rows
  if (wanted < 1 || wanted > count) {
    throw new PalignError('invalid-input', `file has ${count} respondents, ${wanted} were asked for`)
  }
  return shuffled(rows, seededRandom(seed))
    .slice(0, wanted)
    .sort((a, b) => a - b)
}

/** A JSON list of texts, or of PAPI's `{ output: [text] }`. */
export async function readDescriptions(path: string): Promise<string[]> {
  const list = await readJson(path, MAX_DESCRIPTIONS_BYTES)
  if (!Array.isArray(list)) throw new PalignError('malformed-file', `file ${path} holds no list of descriptions`)
  return list.map((entry: unknown, row) => {
    const text = typeof entry === 'string' ? entry : [(entry as { output?: unknown } | null)?.output].flat()[0]
    if (typeof text !== 'string') throw new PalignError('malformed-file', `file ${path} has no text in entry ${row}`)
    return text
  })
}
