import { describe, expect, it } from 'vitest'
import { logLikelihoods } from '../../../../src/eval/capability/likelihoods.ts'
import { choiceRequests, encodeRequest, partialRequests } from '../../../../src/eval/capability/requests.ts'
import { letterModel, textOf } from '../../../fixtures/letter-model.ts'
import { textModel } from '../../../fixtures/text-model.ts'

const beginning = [1]
const encoded = (context: string, continuation: string, model: Parameters<typeof encodeRequest>[0] = textModel) => {
  const { tokens, continuation: after, cut } = encodeRequest(model, { context, continuation }, { beginning })
  return { tokens: textOf(tokens), continuation: textOf(after), cut }
}

describe('request of a log-likelihood', () => {
  it('parts context and continuation at one space', () => {
    expect(choiceRequests('Sky:', ['blue', ' red'])).toEqual([
      { context: 'Sky:', continuation: ' blue' },
      { context: 'Sky:', continuation: '  red' },
    ])
  })

  it('moves white space from the end of the context to the continuation', () => {
    expect(encoded('Sky: \n', ' blue')).toEqual({ tokens: 'Sky:', continuation: ' \n blue', cut: 0 })
  })

  it('encodes both together and parts them at the length of the encoded context', () => {
    // Two characters are a token, from the beginning on: "abc" is ab|c, "abcde" is ab|cd|e.
    const pairs = {
      shape: textModel.shape,
      encode: (text: string) => (text.match(/[\s\S]{1,2}/g) ?? []).map((pair) => pair.length * 1000 + pair.charCodeAt(0)),
    }
    const { tokens, continuation } = encodeRequest(pairs, { context: 'abc', continuation: 'de' }, { beginning })
    expect(tokens).toEqual([2097, 1099])
    expect(continuation).toEqual([1101])
  })

  it('begins with the beginning tokens where the context is empty, and has them once', () => {
    const adding = { ...textModel, encode: (text: string) => [1, ...textModel.encode(text)] }
    expect(encodeRequest(adding, { context: ' ', continuation: 'a' }, { beginning })).toEqual({
      tokens: [1],
      continuation: [32, 97],
      cut: 0,
    })
    expect(encodeRequest(textModel, { context: '', continuation: 'a' }, { beginning }).tokens).toEqual([1])
  })

  it('loses the beginning of a context that is too long, and says how many tokens', () => {
    expect(encoded('abcdefgh', ' ij', letterModel({ contextLength: 8 }))).toEqual({
      tokens: 'defgh',
      continuation: ' ij',
      cut: 3,
    })
  })

  it('refuses what leaves nothing to predict from, or no room for it', () => {
    expect(() => encodeRequest(textModel, { context: '', continuation: 'a' }, { beginning: [] })).toThrow(/0 tokens of context/)
    expect(() => encoded('a', ' 1234567', letterModel({ contextLength: 8 }))).toThrow(/8 tokens, the model's context holds 8/)
  })

  it('scores what follows each option in the partial form', () => {
    expect(partialRequests('The cup fell on the ', ['floor', 'moon'], 'and broke.')).toEqual([
      { context: 'The cup fell on the floor', continuation: ' and broke.' },
      { context: 'The cup fell on the moon', continuation: ' and broke.' },
    ])
  })
})

describe('log-likelihoods', () => {
  it('are asked for apart where contexts were cut: the others keep their common beginning', async () => {
    const model = letterModel({ contextLength: 8 })
    const requests = ['ab', 'abcdefgh', 'abc'].flatMap((context) => choiceRequests(context, ['x']))
    const scored = await logLikelihoods(model, requests, { beginning })
    expect(scored).toEqual([0, 2, 0].map((cut) => ({ logLikelihood: -18, cut })))
    expect(model.asked.map(({ requests }) => requests.map(({ tokens }) => textOf(tokens)))).toEqual([['ab', 'abc'], ['cdefgh']])
  })

  it('are sums over the continuation, in the order of the requests, each context asked once', async () => {
    const model = letterModel({ costs: { ' ': 0.5, a: 1, b: 2 } })
    const requests = [...choiceRequests('x:', ['ab', 'a']), ...choiceRequests('y:', ['bb']), ...choiceRequests('x:', ['b'])]
    const scored = await logLikelihoods(model, requests, { beginning })
    expect(scored.map(({ logLikelihood }) => logLikelihood)).toEqual([-3.5, -1.5, -4.5, -2.5])
    expect(model.asked[0]!.requests.map(({ tokens, continuations }) => [textOf(tokens), continuations.map(textOf)])).toEqual([
      ['x:', [' ab', ' a', ' b']],
      ['y:', [' bb']],
    ])
  })
})
