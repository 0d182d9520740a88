import { describe, expect, it } from 'vitest'
import { palignClient } from '../../../src/client/index.ts'

interface Sent {
  readonly url: string
  readonly method: string | undefined
  readonly body: unknown
}

/** A server that gives one answer, and what it was asked. */
function answering(answer: string, type = 'application/json') {
  const sent: Sent[] = []
  const client = palignClient({
    baseUrl: 'http://s/v1',
    fetch: async (url, { method, body }) => {
      sent.push({ url, method, body: body === undefined ? undefined : JSON.parse(body as string) })
      return new Response(answer, { headers: { 'content-type': type } })
    },
  })
  return { client, sent }
}

const respondent = {
  questionnaire: 'ipip-neo-300',
  coding: 'worded',
  answers: { 1: 5 },
  consent: { given: true, version: '1' },
} as const

describe('the client of what is kept', () => {
  it.each<[string, (client: ReturnType<typeof palignClient>) => Promise<unknown>, string, string, unknown?]>([
    ['adds a respondent', (c) => c.respondents.add(respondent), 'POST', '/api/respondents', respondent],
    ['gets one', (c) => c.respondents.get('r/1'), 'GET', '/api/respondents/r%2F1'],
    ['gets its answers', (c) => c.respondents.get('r', { answers: true }), 'GET', '/api/respondents/r?answers=true'],
    [
      'adds a job',
      (c) => c.jobs.add({ kind: 'evaluate', persona: 'p' }),
      'POST',
      '/api/jobs',
      { kind: 'evaluate', persona: 'p' },
    ],
    ['gets a job', (c) => c.jobs.get('j'), 'GET', '/api/jobs/j'],
    ['cancels it', (c) => c.jobs.cancel('j'), 'POST', '/api/jobs/j/cancel'],
    ['gets a persona', (c) => c.personas.get('p'), 'GET', '/api/personas/p'],
    ['lets it expire', (c) => c.personas.expire('p', '2030'), 'PATCH', '/api/personas/p', { expires: '2030' }],
  ])('%s', async (_, call, method, path, body) => {
    const { client, sent } = answering('{"id": "x"}')
    expect(await call(client)).toEqual({ id: 'x' })
    expect(sent).toEqual([{ url: `http://s${path}`, method, body }])
    await expect(call(answering('{"object": "list"}').client)).rejects.toMatchObject({ code: 'invalid_response' })
  })

  it('lists', async () => {
    const { client, sent } = answering('{"data": [{"id": "x"}]}')
    for (const list of [client.respondents.list, client.jobs.list, client.personas.list])
      expect(await list()).toEqual([{ id: 'x' }])
    expect(sent.map(({ url }) => url)).toEqual(['respondents', 'jobs', 'personas'].map((name) => `http://s/api/${name}`))
  })

  it('takes nothing for deleted that the server has not looked for again', async () => {
    const { client, sent } = answering('{"verified": true}')
    await client.respondents.delete('r')
    await client.jobs.delete('j')
    await client.personas.delete('p')
    await client.personas.delete('p', { answers: true })
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual(
      ['respondents/r', 'jobs/j', 'personas/p', 'personas/p?answers=true'].map((path) => `DELETE http://s/api/${path}`),
    )
    await expect(answering('{"verified": false}').client.jobs.delete('j')).rejects.toMatchObject({ code: 'invalid_response' })
  })

  const watched = async (events: string) => {
    const states: string[] = []
    for await (const { state } of answering(events, 'text/event-stream').client.jobs.watch('j')) states.push(state)
    return states
  }

  it('watches a job to its end', async () => {
    const events = ['{"state":"waiting"}', '{"state":"running"}', '{"state":"cancelled"}', '[DONE]']
    expect(await watched(events.map((event) => `data: ${event}\n\n`).join(': ping\n\n'))).toEqual([
      'waiting',
      'running',
      'cancelled',
    ])
  })

  it.each([
    ['ends before the job', 'data: {"state":"running"}\n\ndata: [DONE]\n\n', 'stream_incomplete'],
    ['was cut', 'data: {"state":"running"}\n\n', 'stream_incomplete'],
    ['has nothing', '', 'stream_incomplete'],
    ['has an event that is no job', 'data: {"id":"x"}\n\n', 'invalid_response'],
    ['ends with an error', 'data: {"error":{"code":"job_not_found","message":"m"}}\n\n', 'job_not_found'],
  ])('throws where the stream %s', async (_, events, code) => {
    await expect(watched(events)).rejects.toMatchObject({ code })
  })
})
