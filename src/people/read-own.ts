/**
 * @file palign's own small format for answers, in JSON:
 *
 *     { "questionnaire": "ipip-neo-300", "coding": "worded",
 *       "respondents": [{ "sex": "female", "age": 30, "answers": { "1": 5, "2": 4 } }] }
 *
 * Questionnaires: ipip-neo-300, ipip-neo-120, sd3. Coding: worded (what the person ticked) or keyed (minus items already reversed).
 * Answers 1..5 by item number (the short form keeps the numbers of the full list); a missing answer is left out, never 0.
 * Sex (female, male, other) and age may be left out. Any other field is refused, so that names and case numbers do not slip in.
 */
import { PalignError } from '../errors.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../items/ipip-neo.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import { SD3 } from '../items/sd3.ts'
import {
  fieldError,
  isRecord,
  type JsonRecord,
  jsonOf,
  type PeopleFile,
  peopleFile,
  recordsOf,
  shown,
  storedAge,
} from './people-file.ts'
import type { Sex } from './respondent.ts'
import { emptySample, type Sample, SEX_CODES } from './sample.ts'

const QUESTIONNAIRES: readonly Questionnaire[] = [IPIP_NEO_300, IPIP_NEO_120, SD3]
const FILE_FIELDS = ['questionnaire', 'coding', 'respondents']
const RESPONDENT_FIELDS = ['sex', 'age', 'answers']

/** Reads the JSON text or its UTF-8 bytes. `malformed-file` names row and field; `wrong-coding` if the answers contradict `coding`. */
export function readOwn(source: string | Uint8Array): PeopleFile {
  return ownPeople(jsonOf(source))
}

/** The same from parsed JSON. */
export function ownPeople(json: unknown): PeopleFile {
  if (!isRecord(json)) throw new PalignError('malformed-file', `file is ${shown(json)}, expected an object`)
  refuseOthers(json, FILE_FIELDS, 'file')
  const records = recordsOf(json.respondents)
  const sample = emptySample(questionnaireOf(json.questionnaire), codingOf(json.coding), records.length)
  const columnOf = new Map(sample.questionnaire.items.map((item, column) => [String(item.itemNumber), column]))
  records.forEach((record, row) => {
    refuseOthers(record, RESPONDENT_FIELDS, `row ${row}`)
    sample.sex[row] = sexCode(record.sex, row)
    sample.age[row] = storedAge(record.age, row)
    fillAnswers(sample, columnOf, record.answers, row)
  })
  return peopleFile('own', sample)
}

function fillAnswers(sample: Sample, columnOf: ReadonlyMap<string, number>, answers: unknown, row: number): void {
  if (!isRecord(answers)) throw fieldError(answers, row, 'answers', 'an object of answers by item number')
  for (const [itemNumber, answer] of Object.entries(answers)) {
    const column = columnOf.get(itemNumber)
    if (column === undefined) {
      throw fieldError(answer, row, `answers.${itemNumber.slice(0, 20)}`, `nothing: ${sample.questionnaire.id} has no such item`)
    }
    if (typeof answer !== 'number' || ![1, 2, 3, 4, 5].includes(answer)) {
      throw fieldError(answer, row, `answers.${itemNumber}`, 'a whole number from 1 to 5; a missing answer is left out')
    }
    sample.values[row * columnOf.size + column] = answer
  }
}

function questionnaireOf(value: unknown): Questionnaire {
  const found = QUESTIONNAIRES.find(({ id }) => id === value)
  if (found !== undefined) return found
  const known = QUESTIONNAIRES.map(({ id }) => id).join(', ')
  throw new PalignError('malformed-file', `questionnaire is ${shown(value)}, expected one of ${known}`)
}

function codingOf(value: unknown): Sample['coding'] {
  if (value === 'worded' || value === 'keyed') return value
  throw new PalignError('malformed-file', `coding is ${shown(value)}, expected worded or keyed`)
}

function sexCode(value: unknown, row: number): number {
  const code = SEX_CODES.indexOf(value as Sex | undefined)
  if (code < 0) throw fieldError(value, row, 'sex', 'female, male or other')
  return code
}

function refuseOthers(record: JsonRecord, fields: readonly string[], where: string): void {
  const other = Object.keys(record).find((field) => !fields.includes(field))
  if (other === undefined) return
  throw new PalignError('malformed-file', `${where} has the field ${shown(other)}, expected only ${fields.join(', ')}`, {
    hint: 'leave out everything else: palign keeps no names, case numbers or times',
  })
}
