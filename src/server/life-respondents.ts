/** @file Routes of respondents: answers with a recorded consent come in, are seen by their owner, and go with everything made of them. */
import type { Context } from 'hono'
import { PalignError } from '../errors.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import { requireOwnCoding } from '../people/coding-check.ts'
import { ownPeople } from '../people/read-own.ts'
import { ownerOf } from './caller.ts'
import { type Held, type Life, listedOwner, respondentOf } from './life-access.ts'
import { expiryOf, removedView, timeOf } from './life-parts.ts'
import type { PersonaRouteOptions } from './life-personas.ts'
import { ANSWERS, MOST_RECORDS, newRespondentId, RESPONDENTS, type RespondentRecord } from './life-records.ts'
import { removeRespondent } from './life-remove.ts'
import { removedAnswer, respondentAnswer, respondentRequest, respondentsAnswer } from './life-schemas.ts'
import { refusal } from './problems.ts'
import { parseBody, readBody } from './read-body.ts'
import type { Route } from './route.ts'

const SCOPES = ['align'] as const
const OF_IT = '/api/respondents/:id'

export function respondentRoutes(life: Life, { forgetGone }: Pick<PersonaRouteOptions, 'forgetGone'>): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/respondents',
      summary: 'keeps the answers of one person, with a consent',
      scopes: SCOPES,
      isMetered: true,
      body: respondentRequest,
      answer: respondentAnswer,
      status: 201,
      handler: async (c) => c.json(await create(c, life), 201),
    },
    {
      method: 'GET',
      path: '/api/respondents',
      summary: 'respondents of the key, without answers',
      scopes: SCOPES,
      isMetered: true,
      answer: respondentsAnswer,
      handler: async (c) => {
        const records = await life.records.list(RESPONDENTS, { owner: listedOwner(c.get('caller')), limit: MOST_RECORDS })
        return c.json({ object: 'list', data: records.map((record) => viewOf(record as Held<RespondentRecord>)) })
      },
    },
    {
      method: 'GET',
      path: OF_IT,
      summary: 'one of them; with answers=true what was answered, for its owner',
      scopes: SCOPES,
      isMetered: true,
      query: { answers: 'true: the answers too' },
      answer: respondentAnswer,
      handler: async (c) => {
        const caller = c.get('caller')
        const record = await respondentOf(life, caller, c.req.param('id')!)
        // Who looks after everybody's things need not read them.
        const isAsked = c.req.query('answers') === 'true' && record.owner === ownerOf(caller)
        const answers = isAsked ? await answersIn(life, record.id) : undefined
        return c.json({ ...viewOf(record), ...(answers && { answers }) })
      },
    },
    {
      method: 'DELETE',
      path: OF_IT,
      summary: 'deletes a respondent with the answers and everything made of them',
      scopes: SCOPES,
      isMetered: true,
      answer: removedAnswer,
      handler: async (c) => {
        const record = await respondentOf(life, c.get('caller'), c.req.param('id')!)
        const removed = await removeRespondent(life, record)
        await forgetGone()
        return c.json(removedView(removed))
      },
    },
  ]
}

async function create(c: Context, life: Life) {
  const { questionnaire, coding, answers, consent, expires } = parseBody(respondentRequest, await readBody(c))
  const json: GivenAnswers = { questionnaire, coding, respondents: [{ answers }] }
  checkAnswers(json)
  const { now = Date.now } = life
  const owner = ownerOf(c.get('caller'))
  const id = newRespondentId()
  const ends = expiryOf(expires, now())
  const { version, text } = consent
  const record: RespondentRecord = {
    ...{ questionnaire, coding, answered: Object.keys(answers).length },
    consent: { text, version, time: new Date(now()).toISOString() },
  }
  await life.records.put(ANSWERS, id, { owner, expires: ends, json })
  await life.records.put(RESPONDENTS, id, { owner, expires: ends, json: record })
  return viewOf((await life.records.get(RESPONDENTS, id)) as Held<RespondentRecord>)
}

interface GivenAnswers {
  readonly questionnaire: string
  readonly coding: string
  readonly respondents: readonly [{ readonly answers: Readonly<Record<string, number>> }]
}

/** Refusals that quote no answer. @throws a refusal for items that there are not, for too few, and for the other coding */
function checkAnswers(json: GivenAnswers): void {
  const { items } = json.questionnaire === IPIP_NEO_120.id ? IPIP_NEO_120 : IPIP_NEO_300
  const numbers = new Set(items.map(({ itemNumber }) => String(itemNumber)))
  const given = Object.keys(json.respondents[0].answers)
  if (given.some((number) => !numbers.has(number))) {
    throw refusal({ code: 'invalid_value', param: 'answers', message: `answers are to items that ${json.questionnaire} has not` })
  }
  const known = new Set(splitItems().known.items.map(({ itemNumber }) => String(itemNumber)))
  if (!given.some((number) => known.has(number))) {
    throw refusal({ code: 'invalid_value', param: 'answers', message: 'answers are none to the 120 items of the short form' })
  }
  try {
    requireOwnCoding(ownPeople(json).sample)
  } catch (error) {
    if (!(error instanceof PalignError) || error.code !== 'wrong-coding') throw error
    throw refusal({ code: 'invalid_value', param: 'coding', message: `${error.message}; ${error.hint}` })
  }
}

async function answersIn({ records }: Life, id: string): Promise<Readonly<Record<string, number>> | undefined> {
  const record = await records.get(ANSWERS, id)
  return (record?.json as GivenAnswers | undefined)?.respondents[0].answers
}

function viewOf({ id, owner, created, expires, json }: Held<RespondentRecord>) {
  const { consent, ...counts } = json
  return {
    ...{ object: 'respondent', id, owner, ...counts, consent: { given: true, ...consent } },
    ...{ created: timeOf(created), expires: timeOf(expires) },
  }
}
