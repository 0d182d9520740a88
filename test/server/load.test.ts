/** Many requests at once over the demo model in its own thread, through real sockets. */
import { loadModel } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'
import { chunksOf, textsOf } from './asking.ts'
import { type Listening, listening, scriptedApp } from './listening.ts'

const PERSONAS = 32
const STREAMS = 1000
/** Longer than a block that is kept of a prompt, and the same for all: what is kept for one persona lies ready for the wrong one. */
const opening =
  'I get up early, feed the cat, read the paper, water the plants and then walk to the harbour to see the boats. '.repeat(3)

let model: LanguageModel
let server: Listening
beforeAll(async () => {
  model = await loadModel('models/respondent')
  const personas = randomPersonas({ model, count: PERSONAS }).map((persona, i) => ({ id: `p${i}`, persona, root: `${i}` }))
  server = await listening(scriptedApp({ model, name: 'respondent', personas, running: 64, waiting: STREAMS }))
})
afterAll(async () => {
  await server.close()
  await model.dispose()
})

interface Asked {
  readonly persona: string
  readonly content: string
  readonly max_tokens: number
}
const requestOf = (i: number): Asked => ({
  persona: i % 9 === 8 ? 'none' : `p${i % PERSONAS}`,
  content: `${i % 2 === 0 ? opening : ''}What do you do ${['today', 'tonight', 'at work', 'on Sunday'][i % 4]}?`,
  max_tokens: 8 + (i % 5) * 4,
})
const ask = ({ content, ...rest }: Asked, signal?: AbortSignal) =>
  fetch(`${server.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'respondent', temperature: 0, stream: true, messages: [{ role: 'user', content }], ...rest }),
    signal: signal ?? null,
  })
const textOf = async (asked: Asked) => {
  const response = await ask(asked)
  const chunks = await chunksOf(response)
  const reasons = chunks.flatMap(({ choices }) => choices.flatMap(({ finish_reason }) => finish_reason ?? []))
  expect([response.headers.get('x-persona-id'), reasons.length]).toEqual([asked.persona, 1])
  return textsOf(chunks)[0]
}

describe('many requests at once', () => {
  const requests = Array.from({ length: 64 }, (_, i) => requestOf(i))
  const alone: (string | undefined)[] = []
  beforeAll(async () => {
    for (const request of requests) alone.push(await textOf(request))
  })

  it(`get, with ${PERSONAS} personas among 64, exactly the text that each gets alone`, async () => {
    expect(await Promise.all(requests.map(textOf))).toEqual(alone)
    // Personas do differ, on the long prompt and on the short one.
    for (const isLong of [true, false]) expect(new Set(alone.filter((_, i) => (i % 2 === 0) === isLong)).size).toBeGreaterThan(8)
  })

  it('get it too when their neighbours go in the middle', async () => {
    const found = await Promise.all(
      requests.map(async (request, i) => {
        if (i % 3 !== 0) return textOf(request)
        const leaving = new AbortController()
        const response = await ask({ ...request, max_tokens: 500 }, leaving.signal)
        await response.body!.getReader().read()
        leaving.abort()
        return undefined
      }),
    )
    expect(found).toEqual(alone.map((text, i) => (i % 3 === 0 ? undefined : text)))
    const last = requests.at(-1)!
    expect(await textOf(last)).toBe(alone.at(-1))
    expect(await model.generationLoad!()).toMatchObject({ running: 0, waiting: 0, rowBytes: 0 })
  })

  it(`all finish, ${STREAMS} streams of them`, async () => {
    const found = await Promise.all(Array.from({ length: STREAMS }, (_, i) => textOf(requests[i % requests.length]!)))
    expect(found).toEqual(found.map((_, i) => alone[i % alone.length]))
  })
})
