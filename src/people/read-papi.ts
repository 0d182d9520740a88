/**
 * @file Reader of the PAPI test persons (`Test-set.json`): an array of `{ sex, age, i1..i300, ... }`, values stored keyed, 0 missing.
 * Case numbers and times of completion in the file identify people and are never read.
 */
import { IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { jsonOf, type PeopleFile, peopleFile, recordsOf, storedAge, storedAnswer, storedSex } from './people-file.ts'
import { emptySample } from './sample.ts'

/** Reads the JSON text or its UTF-8 bytes. `malformed-file` names row and field; `wrong-coding` if the values are not keyed. */
export function readPapi(source: string | Uint8Array): PeopleFile {
  return papiPeople(jsonOf(source))
}

/** The same from parsed JSON. */
export function papiPeople(json: unknown): PeopleFile {
  const records = recordsOf(json)
  const { items } = IPIP_NEO_300
  const sample = emptySample(IPIP_NEO_300, IPIP_NEO_300.storedAs, records.length)
  const fields = items.map((item) => `i${item.itemNumber}`)
  records.forEach((record, row) => {
    sample.sex[row] = storedSex(record.sex, row)
    sample.age[row] = storedAge(record.age, row)
    fields.forEach((field, column) => {
      sample.values[row * items.length + column] = storedAnswer(record[field], row, field)
    })
  })
  return peopleFile('papi', sample)
}
