import { describe, expect, it } from 'vitest'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, chunksOf, hello, textsOf } from './asking.ts'

describe('a chat completion', () => {
  it('is the whole answer with its usage', async () => {
    const response = await chat(appOf(), hello)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      model: 'echo',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'hello', refusal: null }, logprobs: null, finish_reason: 'stop' },
      ],
      usage: { completion_tokens: 5 },
      persona: 'none',
    })
  })

  it('says that it was cut', async () => {
    const { choices } = (await (await chat(appOf(), { ...hello, max_tokens: 2 })).json()) as { choices: object[] }
    expect(choices[0]).toMatchObject({ message: { content: 'he' }, finish_reason: 'length' })
  })

  it('streams a role, the same text and exactly one reason, then usage where it is wanted', async () => {
    const response = await chat(appOf(), { ...hello, stream: true, stream_options: { include_usage: true } })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const chunks = await chunksOf(response)
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '' })
    expect(textsOf(chunks)).toEqual(['hello'])
    expect(chunks.flatMap(({ choices }) => choices.flatMap(({ finish_reason }) => finish_reason ?? []))).toEqual(['stop'])
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } })
  })

  it('streams what was held back for a stop text that did not come', async () => {
    expect(textsOf(await chunksOf(await chat(appOf(), { ...hello, stop: 'lox', stream: true })))).toEqual(['hello'])
  })

  it('gives its place back when the client goes', async () => {
    const app = appOf({ running: 1, waiting: 0 })
    const response = await chat(app, { ...hello, stream: true })
    expect((await chat(app, hello)).status).toBe(503)
    await response.body!.cancel()
    expect((await chat(app, hello)).status).toBe(200)
  })

  it('passes on what the request asks of the sampler', async () => {
    const model = echoModel()
    await chat(appOf({ model }), { ...hello, temperature: 0.5, top_p: 0.9, seed: 3, stop: ['a', 'b'], max_completion_tokens: 4 })
    await chat(appOf({ model }), { model: 'echo', messages: hello.messages })
    expect(model.generated).toMatchObject([
      { temperature: 0.5, topP: 0.9, seed: 3, stop: ['a', 'b'], maxTokens: 4 },
      { temperature: 1, topP: 1, stop: [] },
    ])
  })
})
