/** What lm-evaluation-harness makes of answers of its local-completions model, against the model's own scores. */
import type { Hono } from 'hono'
import { alignPas, compilePersona, IPIP_NEO_300, loadModel, preparePas, simulateRespondents, splitItems } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../src/model/language-model.ts'
import type { Persona } from '../../src/persona/persona.ts'
import { appOf, complete } from './asking.ts'

const PAIRS = [
  ['I make friends', ' easily.'],
  ['Question: who is calm?\nAnswer:', ' I am calm and I like order.'],
  ['A', 'B'],
] as const
const ALPHA = 6

interface Scored {
  readonly sum: number
  readonly isGreedy: boolean
}

/** As the harness reads a response: choices by index, the context and the one generated token dropped. */
function read(
  json: {
    readonly choices: readonly {
      readonly index: number
      readonly logprobs: {
        readonly token_logprobs: readonly (number | null)[]
        readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[]
      }
    }[]
  },
  contexts: readonly number[],
): Scored[] {
  return [...json.choices]
    .sort((a, b) => a.index - b.index)
    .map(({ logprobs }, i) => {
      const given = logprobs.token_logprobs.slice(contexts[i], -1) as number[]
      const top = logprobs.top_logprobs.slice(contexts[i], -1) as Record<string, number>[]
      return {
        sum: given.reduce((sum, logprob) => sum + logprob, 0),
        isGreedy: given.every((logprob, at) => logprob === Math.max(...Object.values(top[at]!))),
      }
    })
}

describe('an unmodified lm-eval', () => {
  let model: LanguageModel
  let app: Hono
  let persona: Persona
  beforeAll(async () => {
    model = await loadModel('models/respondent')
    const [person] = simulateRespondents({ count: 1, seed: 5, questionnaire: IPIP_NEO_300 })
    persona = await alignPas(await preparePas(model, IPIP_NEO_300, splitItems().known), person!)
    app = appOf({ model, name: 'respondent', personas: [{ id: 'me', persona, root: 'r' }] })
  })
  afterAll(() => model.dispose())

  const pairs = () =>
    PAIRS.map(([context, continuation]) => [model.encode(context), model.encode(context + continuation)] as const)
  const scored = async (fields: object) => {
    const prompt = pairs().map(([, all]) => all)
    const body = { model: 'respondent', prompt, temperature: 0, max_tokens: 1, logprobs: 1, seed: 1234, echo: true, ...fields }
    const json = (await (await complete(app, body)).json()) as Parameters<typeof read>[0]
    for (const [i, { logprobs }] of json.choices.entries()) expect(logprobs.token_logprobs).toHaveLength(prompt[i]!.length + 1)
    return read(
      json,
      pairs().map(([context]) => context.length),
    )
  }
  /** The log-likelihood, and whether greedy decoding gives the continuation. */
  const own = async (alpha?: number) => {
    const { displacement } = alpha === undefined ? {} : compilePersona(persona, model, { alpha })
    const requests = pairs().map(([context, all]) => ({ tokens: context, continuations: [all.slice(context.length)] }))
    const sums = await model.score(requests, { displacement })
    const greedy: boolean[] = []
    for (const { tokens, continuations } of requests) {
      const said: number[] = []
      for await (const event of model.generate({ tokens, maxTokens: continuations[0]!.length, displacement })) {
        if (event.kind === 'token') said.push(event.token)
      }
      greedy.push(said.join() === continuations[0]!.join())
    }
    return sums.map(([sum], i) => ({ sum: sum!, isGreedy: greedy[i]! }))
  }

  it.each<[string, object, number | undefined]>([
    ['the base model', {}, undefined],
    ['a persona', { persona: { id: 'me', alpha: ALPHA } }, ALPHA],
  ])('gets the log-likelihoods and the greedy marks of %s', async (_, fields, alpha) => {
    const answers = await scored(fields)
    for (const [i, { sum, isGreedy }] of (await own(alpha)).entries()) {
      // Sums of float32 logits, computed in one pass here and in two there.
      expect(answers[i]!.sum).toBeCloseTo(sum, 3)
      expect(answers[i]!.isGreedy).toBe(isGreedy)
    }
  })

  it('gets other numbers for a persona than for the base model', async () => {
    const [base, steered] = [await scored({}), await scored({ persona: { id: 'me', alpha: ALPHA } })]
    expect(base.some(({ sum }, i) => Math.abs(sum - steered[i]!.sum) > 0.01)).toBe(true)
  })

  it('sees greedy what greedy decoding says', async () => {
    const tokens = model.encode('I make friends')
    const said: number[] = []
    for await (const event of model.generate({ tokens, maxTokens: 5 })) if (event.kind === 'token') said.push(event.token)
    const body = { model: 'respondent', prompt: [[...tokens, ...said]], temperature: 0, max_tokens: 1, logprobs: 1, echo: true }
    const json = (await (await complete(app, body)).json()) as Parameters<typeof read>[0]
    expect(said.length).toBeGreaterThan(0)
    expect(read(json, [tokens.length])[0]!.isGreedy).toBe(true)
  })

  it('gets spelled control tokens as the plain text they are (S-12)', async () => {
    const body = { model: 'respondent', prompt: 'a<|end|>b', max_tokens: 0, logprobs: 0, echo: true }
    const { choices } = (await (await complete(app, body)).json()) as {
      choices: [{ text: string; logprobs: { tokens: string[] } }]
    }
    expect(choices[0].text).toBe('a<|end|>b')
    // Control tokens say nothing: in a text of plain tokens every one shows.
    expect(choices[0].logprobs.tokens.join('')).toBe('a<|end|>b')
  })
})
