import { describe, expect, it } from 'vitest'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chunksOf, complete, problemOf, raw, textsOf } from './asking.ts'

interface Completion {
  readonly choices: readonly {
    readonly index: number
    readonly text: string
    readonly finish_reason: string
    readonly logprobs: {
      readonly tokens: readonly string[]
      readonly token_logprobs: readonly (number | null)[]
      readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[]
      readonly text_offset: readonly number[]
    } | null
  }[]
  readonly usage: object
  readonly persona: string
}
const answerOf = async (response: Response | Promise<Response>) => (await (await response).json()) as Completion
const codes = (text: string) => Array.from(text, (letter) => letter.codePointAt(0)!)

describe('a raw completion', () => {
  it('continues a text', async () => {
    expect(await answerOf(complete(appOf(), raw))).toMatchObject({
      object: 'text_completion',
      model: 'echo',
      persona: 'none',
      choices: [{ index: 0, text: 'HELLO', logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
    })
  })

  it.each<[string, unknown, readonly string[]]>([
    ['a text', 'ab', ['AB']],
    ['texts', ['ab', 'c'], ['AB', 'C']],
    ['tokens', codes('ab'), ['AB']],
    ['lists of tokens', [codes('ab'), codes('c')], ['AB', 'C']],
  ])('takes %s', async (_, prompt, texts) => {
    const { choices } = await answerOf(complete(appOf(), { ...raw, prompt }))
    expect(choices.map(({ text }) => text)).toEqual(texts)
  })

  it('numbers choices by prompt, then by choice, each with a seed of its own', async () => {
    const model = echoModel()
    const { choices } = await answerOf(complete(appOf({ model }), { ...raw, prompt: ['a', 'b', 'c'], n: 3, seed: 7 }))
    expect(choices.map(({ index, text }) => `${index}${text}`)).toEqual(['0A', '1A', '2A', '3B', '4B', '5B', '6C', '7C', '8C'])
    expect(model.generated.map(({ seed }) => seed).sort()).toEqual([7, 7, 7, 8, 8, 8, 9, 9, 9])
  })

  it('generates 16 tokens where nothing is said', async () => {
    const { choices } = await answerOf(complete(appOf(), { model: 'echo', prompt: 'x'.repeat(20) }))
    expect(choices[0]).toMatchObject({ text: 'X'.repeat(16), finish_reason: 'length' })
  })

  it('takes as many stop texts as a task of lm-eval has', async () => {
    const stop = ['\nclass', '\ndef', '\n#', '\nif', '\nprint', '<|end|>', 'LO']
    expect((await answerOf(complete(appOf(), { ...raw, stop }))).choices[0]).toMatchObject({ text: 'HEL' })
    const many = Array.from({ length: 17 }, (_, i) => `${i}`)
    expect(await problemOf(await complete(appOf(), { ...raw, stop: many }))).toMatchObject({ status: 400, param: 'stop' })
  })

  it('ends before a stop text', async () => {
    const { choices } = await answerOf(complete(appOf(), { ...raw, stop: ['LO'] }))
    expect(choices[0]).toMatchObject({ text: 'HEL', finish_reason: 'stop' })
  })

  it('is the same text when it is streamed, choice by choice', async () => {
    const request = { ...raw, prompt: ['hello', 'a b c'], n: 2, stop: 'C', echo: true, logprobs: 2 }
    const whole = await answerOf(complete(appOf(), request))
    const chunks = await chunksOf(await complete(appOf(), { ...request, stream: true, stream_options: { include_usage: true } }))
    expect(textsOf(chunks)).toEqual(whole.choices.map(({ text }) => text))
    for (const { index, logprobs } of whole.choices) {
      const parts = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index))
      for (const list of ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'] as const) {
        const listOf = ({ logprobs: part }: (typeof parts)[number]) =>
          (part as Completion['choices'][0]['logprobs'])?.[list] ?? []
        expect(parts.flatMap((part): unknown => listOf(part))).toEqual(logprobs![list])
      }
      expect(parts.flatMap(({ finish_reason }) => finish_reason ?? [])).toHaveLength(1)
    }
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
  })

  it('works on several choices at once', async () => {
    const model = echoModel({ delayMs: 5 })
    const app = appOf({ model })
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, model.running())
    }, 1)
    await complete(app, { ...raw, n: 8 })
    clearInterval(watch)
    expect(most).toBe(8)
  })
})

describe('log-probabilities of a completion', () => {
  it('stand for every token of prompt and answer, the first and none else without a number', async () => {
    const { choices } = await answerOf(complete(appOf(), { ...raw, prompt: 'ab', echo: true, logprobs: 1, max_tokens: 1 }))
    expect(choices[0]!.text).toBe('abA')
    expect(choices[0]!.logprobs).toEqual({
      tokens: ['a', 'b', 'A'],
      token_logprobs: [null, -1, -1],
      top_logprobs: [null, { b: -1 }, { A: -1 }],
      text_offset: [0, 1, 2],
    })
  })

  it('stand for the prompt alone where nothing is generated', async () => {
    const model = echoModel()
    const { choices } = await answerOf(
      complete(appOf({ model }), { ...raw, prompt: 'ab', echo: true, logprobs: 0, max_tokens: 0 }),
    )
    expect(choices[0]).toMatchObject({ text: 'ab', finish_reason: 'length', logprobs: { tokens: ['a', 'b'] } })
    expect(choices[0]!.logprobs!.top_logprobs).toEqual([null, { b: -1 }])
    expect(model.generated).toEqual([])
  })

  it('hold the token that ended the text: who takes the last entry for the generated one must not lose one of the prompt', async () => {
    const model = echoModel({ says: () => '' })
    const { choices } = await answerOf(
      complete(appOf({ model }), { ...raw, prompt: 'ab', echo: true, logprobs: 1, max_tokens: 1 }),
    )
    expect(choices[0]).toMatchObject({ text: 'ab', finish_reason: 'stop', logprobs: { tokens: ['a', 'b', ''] } })
  })

  it('of tokens with one text show the more likely, and the chosen one beside it', async () => {
    const model = {
      ...echoModel({ decode: (tokens) => 'x'.repeat(tokens.length) }),
      promptLogprobs: async () => [{ token: 9, logprob: -3, top: [{ token: 7, logprob: -1 }] }],
    }
    const { choices } = await answerOf(
      complete(appOf({ model }), { ...raw, prompt: [1, 9], echo: true, logprobs: 1, max_tokens: 0 }),
    )
    expect(choices[0]!.logprobs!.top_logprobs[1]).toEqual({ x: -1, 'token_id:9': -3 })
    expect(choices[0]!.logprobs!.token_logprobs[1]).toBe(-3)
  })

  it('are computed once for all choices of a prompt', async () => {
    const model = echoModel()
    await complete(appOf({ model }), { ...raw, n: 4, echo: true, logprobs: 1 })
    expect(model.scored).toHaveLength(1)
  })

  it('have no infinity', async () => {
    const model = { ...echoModel(), promptLogprobs: async () => [{ token: 98, logprob: Number.NEGATIVE_INFINITY }] }
    const { choices } = await answerOf(
      complete(appOf({ model }), { ...raw, prompt: 'ab', echo: true, logprobs: 0, max_tokens: 0 }),
    )
    expect(choices[0]!.logprobs!.token_logprobs).toEqual([null, -9999])
  })
})

describe('a raw completion under a persona with a prompt', () => {
  it('has the prompt as a paragraph before the text', async () => {
    const model = echoModel()
    const { choices, persona } = await answerOf(complete(appOf({ model }), { ...raw, max_tokens: 99, persona: 'calm' }))
    expect([persona, choices[0]!.text]).toEqual(['calm', 'YOU ARE CALM.\n\nHELLO'])
  })

  it.each([
    ['tokens', { prompt: [1, 2] }, 'prompt'],
    ['lists of tokens', { prompt: [[1, 2]] }, 'prompt'],
    ['an echo', { echo: true }, 'echo'],
  ])('is refused with %s: they could not be what was sent', async (_, fields, param) => {
    const response = await complete(appOf(), { ...raw, ...fields, model: 'echo@calm' })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'unsupported_value', param })
  })
})

describe('a raw completion that is wrong', () => {
  it.each<[string, object, string, string]>([
    ['no prompt', { prompt: undefined }, 'missing_required_parameter', 'prompt'],
    ['an empty list', { prompt: [] }, 'invalid_value', 'prompt'],
    ['an empty text', { prompt: '' }, 'invalid_value', 'prompt'],
    ['65 prompts', { prompt: Array.from({ length: 65 }, () => 'x') }, 'invalid_value', 'prompt'],
    ['a token of no vocabulary', { prompt: [[1], [2 ** 30]] }, 'invalid_value', 'prompt.1.0'],
    ['half a token', { prompt: [1.5] }, 'invalid_type', 'prompt.0'],
    ['nothing to do', { max_tokens: 0 }, 'invalid_value', 'max_tokens'],
    ['nine choices', { n: 9 }, 'invalid_value', 'n'],
    ['no choice', { n: 0 }, 'invalid_value', 'n'],
    ['six alternatives', { logprobs: 6 }, 'invalid_value', 'logprobs'],
    ['a suffix', { suffix: 'x' }, 'unsupported_value', 'suffix'],
    ['the best of two', { best_of: 2 }, 'unsupported_value', 'best_of'],
    ['log-probabilities of the prompt by another name', { prompt_logprobs: 1 }, 'unsupported_value', 'prompt_logprobs'],
    ['more than the context', { prompt: 'x'.repeat(4090) }, 'context_length_exceeded', 'prompt'],
    ['far more than the context', { prompt: ['x', 'x'.repeat(40_000)] }, 'context_length_exceeded', 'prompt.1'],
  ])('is told so: %s', async (_, fields, code, param) => {
    expect(await problemOf(await complete(appOf(), { ...raw, ...fields }))).toMatchObject({ status: 400, code, param })
  })
})
