import { describe, expect, it } from 'vitest'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, chunksOf, hello, problemOf, textsOf } from './asking.ts'

interface Entry {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[] | null
  readonly top_logprobs: readonly { readonly token: string }[]
}
interface Whole {
  readonly choices: readonly {
    readonly message: { readonly content: string }
    readonly logprobs: { readonly content: readonly Entry[] } | null
  }[]
  readonly usage: object
}
const wholeOf = async (response: Response | Promise<Response>) => (await (await response).json()) as Whole

describe('log-probabilities of a chat completion', () => {
  it('stand for every token, with its bytes and its alternatives', async () => {
    const { choices } = await wholeOf(
      chat(appOf(), { ...hello, messages: [{ role: 'user', content: 'é' }], logprobs: true, top_logprobs: 2 }),
    )
    expect(choices[0]!.logprobs).toEqual({
      content: [
        {
          token: 'é',
          logprob: -1,
          bytes: [0xc3, 0xa9],
          top_logprobs: [
            { token: 'é', logprob: -1, bytes: [0xc3, 0xa9] },
            { token: 'ê', logprob: -2, bytes: [0xc3, 0xaa] },
          ],
        },
      ],
      refusal: null,
    })
  })

  it('are null where nobody asked, and without alternatives where none were asked for', async () => {
    expect((await wholeOf(chat(appOf(), { ...hello, logprobs: false }))).choices[0]!.logprobs).toBeNull()
    const { choices } = await wholeOf(chat(appOf(), { ...hello, logprobs: true, top_logprobs: 0 }))
    expect(choices[0]!.logprobs!.content.map(({ top_logprobs }) => top_logprobs)).toEqual([[], [], [], [], []])
  })

  it.each([
    ['21 alternatives', { logprobs: true, top_logprobs: 21 }],
    ['alternatives alone', { top_logprobs: 1 }],
  ])('are refused as %s, and the server still serves', async (_, fields) => {
    const app = appOf()
    expect(await problemOf(await chat(app, { ...hello, ...fields }))).toMatchObject({ status: 400, param: 'top_logprobs' })
    expect((await chat(app, hello)).status).toBe(200)
  })

  it.each([
    ['nothing is held back', {}],
    ['a stop text is held back and never comes', { stop: 'loo' }],
    ['a stop text ends it', { stop: 'lo' }],
  ])('are the same in a stream, none lost, where %s', async (_, fields) => {
    const request = { ...hello, logprobs: true, top_logprobs: 1, n: 2, ...fields }
    const whole = await wholeOf(chat(appOf(), request))
    const chunks = await chunksOf(await chat(appOf(), { ...request, stream: true }))
    expect(textsOf(chunks)).toEqual(whole.choices.map(({ message }) => message.content))
    for (const [index, { logprobs }] of whole.choices.entries()) {
      const parts = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
      expect(parts.flatMap((part) => part.logprobs?.content ?? [])).toEqual(logprobs!.content)
    }
  })

  it('of half a character have no bytes', async () => {
    const model = echoModel({ decode: (tokens) => '\uFFFD'.repeat(tokens.length) })
    const { choices } = await wholeOf(chat(appOf({ model }), { ...hello, logprobs: true }))
    expect(choices[0]!.logprobs!.content[0]).toMatchObject({ token: '\uFFFD', bytes: null })
  })
})

describe('several choices', () => {
  it('are computed at once, streamed or not', async () => {
    for (const stream of [false, true]) {
      const model = echoModel({ delayMs: 5 })
      let most = 0
      const watch = setInterval(() => {
        most = Math.max(most, model.running())
      }, 1)
      const response = await chat(appOf({ model }), { ...hello, n: 3, stream })
      await response.text()
      clearInterval(watch)
      expect(most).toBe(3)
    }
  })

  it('come in one stream, each with its number, a role, a reason, and their tokens in one sum', async () => {
    const chunks = await chunksOf(
      await chat(appOf({ model: echoModel({ delayMs: 1 }) }), {
        ...hello,
        n: 3,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(textsOf(chunks)).toEqual(['hello', 'hello', 'hello'])
    const choices = chunks.flatMap((chunk) => chunk.choices)
    expect(
      choices
        .filter(({ delta }) => delta?.role !== undefined)
        .map(({ index }) => index)
        .sort(),
    ).toEqual([0, 1, 2])
    expect(
      choices
        .filter(({ finish_reason }) => finish_reason === 'stop')
        .map(({ index }) => index)
        .sort(),
    ).toEqual([0, 1, 2])
    // Interleaved: no choice waits for another to end.
    expect(new Set(choices.slice(0, 6).map(({ index }) => index)).size).toBe(3)
    expect(chunks.at(-1)!.usage).toMatchObject({ completion_tokens: 15 })
  })

  it('draw with different seeds, the same for the same request', async () => {
    const model = echoModel()
    await chat(appOf({ model }), { ...hello, n: 2, seed: Number.MAX_SAFE_INTEGER })
    const seeds = model.generated.map(({ seed }) => seed)
    expect(new Set(seeds).size).toBe(2)
    expect(seeds.every(Number.isSafeInteger)).toBe(true)
  })
})

describe('a prompt that leaves little room', () => {
  it('has an answer that ends with the context, and says so', async () => {
    const model = echoModel({ contextLength: 100, says: () => 'x'.repeat(200) })
    const response = await chat(appOf({ model }), { ...hello, max_tokens: 4000 })
    const { choices, usage } = (await response.json()) as {
      choices: { finish_reason: string }[]
      usage: { total_tokens: number }
    }
    expect([choices[0]!.finish_reason, usage.total_tokens]).toEqual(['length', 100])
  })

  it('is refused before it is tokenised where it cannot fit', async () => {
    let rendered = 0
    const model = { ...echoModel({ contextLength: 10 }), render: async () => [++rendered] }
    const problem = await problemOf(
      await chat(appOf({ model }), { ...hello, messages: [{ role: 'user', content: 'x'.repeat(81) }] }),
    )
    expect(problem).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' })
    expect(rendered).toBe(0)
  })
})
