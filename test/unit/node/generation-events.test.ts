import { describe, expect, it } from 'vitest'
import type { GeneratedToken, GenerationEvent } from '../../../src/model/language-model.ts'
import { generationEvents } from '../../../src/node/generation-events.ts'

// A token is a UTF-8 byte: decoding half of a character gives the replacement character, as byte-level tokenizers do.
const decode = (tokens: ArrayLike<number>) => new TextDecoder().decode(Uint8Array.from(tokens))
const bytes = (text: string) => [...new TextEncoder().encode(text)]

async function* stream(text: string): AsyncIterable<GeneratedToken> {
  for (const token of bytes(text)) yield { token, logprob: -1 }
}

async function run(
  text: string,
  options: { stop?: string[]; maxTokens?: number; contextLength?: number } = {},
): Promise<GenerationEvent[]> {
  const { stop = [], maxTokens = 100, contextLength = 1000 } = options
  const events: GenerationEvent[] = []
  for await (const event of generationEvents(stream(text), { prompt: bytes('Say: '), maxTokens, contextLength, stop, decode }))
    events.push(event)
  return events
}

const streamed = (events: GenerationEvent[]) => events.map((event) => (event.kind === 'token' ? event.text : '')).join('')

describe('generation events', () => {
  it('streams the same text that it finishes with', async () => {
    const events = await run('héllo, wörld €')
    expect(streamed(events)).toBe('héllo, wörld €')
    expect(events.at(-1)).toMatchObject({ kind: 'finish', reason: 'end-token', text: 'héllo, wörld €', promptTokens: 5 })
  })

  it('never shows half of a character', async () => {
    const events = await run('€€')
    expect(events.every((event) => event.kind === 'finish' || !event.text.includes('\uFFFD'))).toBe(true)
  })

  it('ends before a stop text and shows nothing of it', async () => {
    const events = await run('one\nUser: two', { stop: ['\nUser:'] })
    expect(streamed(events)).toBe('one')
    expect(events.at(-1)).toMatchObject({ kind: 'finish', reason: 'stop', text: 'one' })
  })

  it('says that the length was reached', async () => {
    expect((await run('abc', { maxTokens: 3 })).at(-1)).toMatchObject({ reason: 'length', generatedTokens: 3 })
  })

  it('says that the context was full', async () => {
    expect((await run('abc', { contextLength: 8 })).at(-1)).toMatchObject({ reason: 'context' })
  })

  it('finishes with an empty text when nothing was generated', async () => {
    expect(await run('')).toEqual([{ kind: 'finish', reason: 'end-token', text: '', promptTokens: 5, generatedTokens: 0 }])
  })

  it('decodes a few tokens at a time however long the text is, and loses no character at the cuts', async () => {
    const text = 'Grüße, 日本語 und 🎈! '.repeat(30)
    let longest = 0
    const counted = (tokens: ArrayLike<number>) => {
      longest = Math.max(longest, tokens.length)
      return decode(tokens)
    }
    const events: GenerationEvent[] = []
    const options = { prompt: bytes('Say: '), maxTokens: 5000, contextLength: 9000, stop: ['never'], decode: counted }
    for await (const event of generationEvents(stream(text), options)) events.push(event)
    expect(streamed(events)).toBe(text)
    expect(events.at(-1)).toMatchObject({ text })
    expect(longest).toBeLessThan(80)
  })
})
