/** @file Answers files for the commands. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { at, PalignError } from '../errors.ts'
import { readFileBounded } from '../node/read-file.ts'
import type { PeopleFile } from '../people/people-file.ts'
import { readPeople } from '../people/read-people.ts'
import type { Respondent } from '../people/respondent.ts'
import { respondentsOf } from '../people/sample.ts'
import { note } from './output.ts'

/** Johnson's file of 619,150 persons has 95 MB. */
const MAX_ANSWERS_BYTES = 1 << 28

/** @throws PalignError as `readPeople` does, naming the file */
export async function readAnswers(path: string): Promise<PeopleFile & { readonly sha256: string }> {
  const bytes = await readFileBounded(path, MAX_ANSWERS_BYTES)
  const file = at(`file ${path}`, () => readPeople(bytes, basename(path)))
  if (file.codingCheck.kind === 'undecided') {
    note(`palign: ${basename(path)} has too few answers to check their coding; ${file.sample.coding} was believed`)
  }
  return { ...file, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export async function readRespondent(path: string, row: number): Promise<Respondent> {
  const respondents = respondentsOf((await readAnswers(path)).sample)
  const respondent = respondents[row]
  if (respondent === undefined) {
    throw new PalignError('invalid-input', `file ${path} has ${respondents.length} respondents, row ${row} was asked for`, {
      hint: 'rows count from 0',
    })
  }
  return respondent
}
