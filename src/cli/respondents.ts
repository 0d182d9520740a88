/** @file `palign respondent`: answers that a server or a store keeps, with the consent to them. What was answered is never printed. */
import { PalignError } from '../errors.ts'
import { readFileBounded } from '../node/read-file.ts'
import { readRespondent } from './answers.ts'
import { type KeptOptions, requireForce, withKept } from './kept.ts'
import { print, printJson } from './output.ts'

interface AddOptions extends KeptOptions {
  readonly data: string
  readonly row: number
  readonly consent?: string
  readonly consentFile?: string
  readonly days?: number
}

const DAY_MS = 86_400_000
const MOST_CONSENT_BYTES = 64 << 10

export async function addRespondentCommand(options: AddOptions): Promise<void> {
  const { data, row, consent: version, consentFile, days, json } = options
  if (version === undefined && consentFile === undefined) {
    throw new PalignError('invalid-input', 'no consent was named: answers are kept for nobody who did not agree', {
      hint: 'give --consent with the name of what the person agreed to, or --consent-file with its text',
    })
  }
  const { questionnaire, answers } = await readRespondent(data, row)
  const id = questionnaire.id
  if (id !== 'ipip-neo-300' && id !== 'ipip-neo-120') {
    throw new PalignError('invalid-input', `respondent answered ${id}, expected ipip-neo-300 or ipip-neo-120`)
  }
  const text = consentFile === undefined ? undefined : await textOf(consentFile)
  const respondent = await withKept(options, (client) =>
    client.respondents.add({
      ...{ questionnaire: id, coding: answers.coding, answers: Object.fromEntries(answers.byItem) },
      consent: { given: true, version, text },
      ...(days !== undefined && { expires: new Date(Date.now() + days * DAY_MS).toISOString() }),
    }),
  )
  if (json) printJson(respondent)
  else print(respondent.id)
}

const textOf = async (path: string) => new TextDecoder().decode(await readFileBounded(path, MOST_CONSENT_BYTES)).trim()

export async function listRespondentsCommand(options: KeptOptions): Promise<void> {
  const respondents = await withKept(options, (client) => client.respondents.list())
  if (options.json) return printJson(respondents)
  for (const { id, questionnaire, answered, created, expires } of respondents) {
    print(`${id}  ${questionnaire}  ${answered} answers  since ${created}${expires === null ? '' : `, until ${expires}`}`)
  }
}

export async function deleteRespondentCommand(id: string, options: KeptOptions & { readonly force?: boolean }): Promise<void> {
  requireForce(options, `respondent ${id}, with everything made of the answers,`)
  const removed = await withKept(options, (client) => client.respondents.delete(id))
  if (options.json) return printJson(removed)
  print(`deleted: answers, ${removed.personas} personas, ${removed.evaluations} evaluations, ${removed.jobs} jobs`)
}
