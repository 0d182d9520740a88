/** @file Which methods a command runs, and the descriptions that some of them read. */
import { PalignError } from '../errors.ts'
import { METHODS, type MethodName } from '../eval/methods.ts'
import { readJson } from '../node/read-file.ts'

const MAX_DESCRIPTIONS_BYTES = 1 << 26

/** `pas:random` stands for all its seeds. @throws PalignError `invalid-input` for a name that no method has */
export function methodNames(list: string): MethodName[] {
  const all: readonly string[] = METHODS
  const random = all.filter((name) => name.startsWith('pas:random-'))
  const names = list
    .split(',')
    .map((name) => name.trim())
    .flatMap((name) => (name === 'pas:random' ? random : [name]))
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0) {
    throw new PalignError('invalid-input', `method ${unknown[0]} is unknown`, { hint: `methods are ${METHODS.join(', ')}` })
  }
  return [...new Set(names)] as MethodName[]
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
