import { describe, expect, it } from 'vitest'
import { type ChatSession, chatSession } from '../../../src/chat/chat-session.ts'
import { conversationJson } from '../../../src/chat/conversation.ts'
import { NOBODY } from '../../../src/chat/speaker.ts'
import type { ChatEvent } from '../../../src/chat/turn.ts'
import { PalignError } from '../../../src/errors.ts'
import { DEFAULT_SYSTEM_PROMPT } from '../../../src/items/question-form.ts'
import type { GenerateRequest } from '../../../src/model/language-model.ts'
import { echoChatModel, steeringPersona } from '../../fixtures/echo-chat-model.ts'

const me = { id: 'me', persona: steeringPersona({ alpha: 1.5 }) }
const calm = { id: 'calm', persona: { kind: 'prompt', method: 'personality-prompt', system: 'You are calm.' } } as const

async function eventsOf<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const event of events) all.push(event)
  return all
}

async function said(events: AsyncIterable<ChatEvent>): Promise<string> {
  const finish = (await eventsOf(events)).at(-1)
  return finish?.kind === 'finish' ? finish.text : ''
}

const answersOf = (session: ChatSession) => session.state().turns.map(({ answer }) => answer)

describe('a chat session', () => {
  it('gives tokens that add up to the text of the finish, with usage', async () => {
    const events = await eventsOf(chatSession({ model: echoChatModel() }).send('hi'))
    const finish = events.at(-1)
    const tokens = events.flatMap((event) => (event.kind === 'token' ? event.text : []))
    expect(finish).toMatchObject({ kind: 'finish', reason: 'end-token', text: 'hi/0/0', usage: { generatedTokens: 6 } })
    expect(tokens.join('')).toBe('hi/0/0')
    expect(tokens).toHaveLength(6)
  })

  it('gives what the tokenizer held back before the finish', async () => {
    const model = echoChatModel()
    const events = chatSession({
      model: {
        ...model,
        async *generate() {
          yield { kind: 'token', token: 1, text: 'a', logprob: 0 }
          yield { kind: 'token', token: 2, text: '', logprob: 0 }
          yield { kind: 'finish', reason: 'length', text: 'a\uFFFD', promptTokens: 1, generatedTokens: 2 }
        },
      },
    }).send('x')
    expect((await eventsOf(events)).slice(0, 2)).toEqual([
      { kind: 'token', text: 'a' },
      { kind: 'token', text: '\uFFFD' },
    ])
  })

  it('sends everything said before, under the default system prompt', async () => {
    const model = echoChatModel()
    const session = chatSession({ model })
    await said(session.send('one'))
    await said(session.send('two'))
    expect(model.prompts[1]).toBe(`<system>${DEFAULT_SYSTEM_PROMPT}<user>one<assistant>one/0/0<user>two<assistant>`)
  })

  it('puts the prompt of a persona before the system message, as the server does', async () => {
    const model = echoChatModel()
    await said(chatSession({ model, speaker: calm, system: 'Be brief.' }).send('one'))
    expect(model.prompts[0]).toBe('<system>You are calm.\n\nBe brief.<user>one<assistant>')
  })

  it('changes persona and strength between turns, and says of every turn who answered', async () => {
    const session = chatSession({ model: echoChatModel() })
    await said(session.send('a'))
    session.change({ speaker: me })
    await said(session.send('b'))
    session.change({ speaker: { ...me, alpha: -2 } })
    await said(session.send('c'))
    expect(session.state().turns.map(({ persona, alpha, answer }) => ({ persona, alpha, answer }))).toEqual([
      { persona: 'none', alpha: undefined, answer: 'a/0/0' },
      { persona: 'me', alpha: 1.5, answer: 'b/1.5/0' },
      { persona: 'me', alpha: -2, answer: 'c/-2/0' },
    ])
  })

  it('gives the model the adapter of a persona, the same object every time, scaled where a strength is given', async () => {
    const adapter = { rank: 1, alpha: 2, targets: [], pairs: new Map() }
    const persona = {
      kind: 'adapter',
      method: 'peft',
      model: undefined,
      shape: undefined,
      adapter,
      training: undefined,
      provenance: undefined,
    } as const
    const given: unknown[] = []
    const echo = echoChatModel()
    const model = {
      ...echo,
      generate(request: GenerateRequest) {
        given.push(request.adapter)
        return echo.generate(request)
      },
    }
    const session = chatSession({ model, speaker: { id: 'tuned', persona } })
    await said(session.send('a'))
    await said(session.fork().send('b'))
    session.change({ speaker: { id: 'tuned', persona, alpha: 0.5 } })
    await said(session.send('c'))
    await said(session.send('d'))
    expect(given[0]).toBe(adapter)
    expect(given[1]).toBe(adapter)
    expect(given[2]).toEqual({ ...adapter, alpha: 1 })
    // An engine takes the same object to hold the same numbers and does not read them again.
    expect(given[3]).toBe(given[2])
    expect(session.state().turns.map(({ alpha }) => alpha)).toEqual([1, 0.5, 0.5])
  })

  it.each([
    ['of another model', { id: 'x', persona: steeringPersona({ model: 'f'.repeat(64) }) }, 'incompatible-persona'],
    ['that is a prompt and given a strength', { ...calm, alpha: 2 }, 'invalid-input'],
    ['that is nobody and given a strength', { ...NOBODY, alpha: 2 }, 'invalid-input'],
    ['whose strength is no number', { ...me, alpha: Number.NaN }, 'non-finite'],
  ])('refuses a speaker %s and stays with the one before', async (_, speaker, code) => {
    const session = chatSession({ model: echoChatModel(), speaker: me })
    expect(() => session.change({ speaker })).toThrow(expect.objectContaining({ code }))
    expect(() => chatSession({ model: echoChatModel(), speaker })).toThrow(expect.objectContaining({ code }))
    expect(session.state()).toMatchObject({ speaker: me, alpha: 1.5 })
  })

  it('keeps a stopped answer as far as it went, and the model sees it', async () => {
    const model = echoChatModel({ says: () => 'abcdef' })
    const session = chatSession({ model })
    const stop = new AbortController()
    const events: ChatEvent[] = []
    for await (const event of session.send('x', { signal: stop.signal })) {
      events.push(event)
      if (events.length === 3) stop.abort()
    }
    expect(events.slice(3)).toEqual([expect.objectContaining({ kind: 'finish', reason: 'stopped', text: 'abc' })])
    expect(session.state().turns).toMatchObject([{ answer: 'abc', reason: 'stopped', usage: { generatedTokens: 3 } }])
    await said(session.send('y'))
    expect(model.prompts[1]).toContain('<user>x<assistant>abc<user>y')
  })

  it('shows no token after the signal, though the engine had it ready, and ends when the engine has stopped', async () => {
    const stop = new AbortController()
    let hasStopped = false
    const model = {
      ...echoChatModel(),
      async *generate() {
        for (const text of 'abcdef') yield { kind: 'token', token: 1, text, logprob: 0 } as const
        // Not reached where the stream is left.
        hasStopped = true
        throw new PalignError('aborted', 'work was aborted')
      },
    }
    const events: ChatEvent[] = []
    for await (const event of chatSession({ model }).send('x', { signal: stop.signal })) {
      events.push(event)
      stop.abort()
    }
    expect(events.map(({ kind }) => kind)).toEqual(['token', 'finish'])
    expect(hasStopped).toBe(true)
  })

  it('forgets a message that was stopped before its first token', async () => {
    const session = chatSession({ model: echoChatModel() })
    const finish = (await eventsOf(session.send('x', { signal: AbortSignal.abort() }))).at(-1)
    expect(finish).toMatchObject({ kind: 'finish', reason: 'stopped', text: '' })
    expect(session.state().turns).toEqual([])
  })

  it('keeps what was read where the listener leaves, and is free for the next message', async () => {
    const session = chatSession({ model: echoChatModel() })
    for await (const event of session.send('hello')) if (event.kind === 'token' && event.text === 'e') break
    expect(session.state().turns).toMatchObject([{ answer: 'he', reason: 'stopped' }])
    expect(await said(session.send('x'))).toBe('x/0/0')
  })

  it('leaves everything as it was when an answer fails', async () => {
    const model = echoChatModel({ failsAfter: 2 })
    const session = chatSession({ model })
    await expect(eventsOf(session.send('x'))).rejects.toMatchObject({ code: 'engine-failed' })
    expect(session.state().turns).toEqual([])
  })

  it('refuses a second message and every change while an answer is given', async () => {
    const session = chatSession({ model: echoChatModel() })
    const events = session.send('x')[Symbol.asyncIterator]()
    await events.next()
    const busy = expect.objectContaining({ code: 'invalid-input' })
    await expect(eventsOf(session.send('y'))).rejects.toEqual(busy)
    for (const act of [() => session.undo(), () => session.clear(), () => session.change({ seed: 3 })]) expect(act).toThrow(busy)
    await events.return?.()
    expect(answersOf(session)).toEqual(['x'])
  })

  it('takes turns back and forgets them', async () => {
    const session = chatSession({ model: echoChatModel() })
    await said(session.send('a'))
    await said(session.send('b'))
    expect(session.undo()).toMatchObject({ prompt: 'b' })
    expect(answersOf(session)).toEqual(['a/0/0'])
    session.clear()
    expect(session.undo()).toBeUndefined()
  })

  it('regenerates with the next seed, and with the seed that is set where something else has changed', async () => {
    const session = chatSession({ model: echoChatModel(), seed: 5 })
    await said(session.send('a'))
    expect(await said(session.regenerate())).toBe('a/0/6')
    expect(await said(session.regenerate())).toBe('a/0/7')
    session.change({ speaker: me })
    expect(await said(session.regenerate())).toBe('a/1.5/5')
    session.change({ seed: 9 })
    expect(await said(session.regenerate())).toBe('a/1.5/9')
    expect(session.state().turns).toHaveLength(1)
  })

  it('keeps the answer it had when a regeneration is stopped before its first token', async () => {
    const session = chatSession({ model: echoChatModel() })
    await said(session.send('a'))
    await said(session.regenerate({ signal: AbortSignal.abort() }))
    expect(answersOf(session)).toEqual(['a/0/0'])
  })

  it('refuses to regenerate nothing, and a seed that is none', () => {
    const session = chatSession({ model: echoChatModel() })
    expect(() => session.regenerate()).toThrow(/no answer yet/)
    expect(() => session.change({ seed: -1 })).toThrow(/seed is -1/)
  })

  it('goes on elsewhere from a fork', async () => {
    const session = chatSession({ model: echoChatModel() })
    await said(session.send('a'))
    const other = session.fork(me)
    await said(other.send('b'))
    expect(answersOf(session)).toEqual(['a/0/0'])
    expect(answersOf(other)).toEqual(['a/0/0', 'b/1.5/0'])
  })

  it('saves who said what with which model, persona, strength and seed', async () => {
    const model = echoChatModel()
    const session = chatSession({ model, speaker: me, seed: 3, settings: { temperature: 0.5 } })
    await said(session.send('a'))
    expect(JSON.parse(conversationJson(session.state()))).toMatchObject({
      format: 'palign-conversation',
      model: model.fingerprint,
      persona: 'me',
      alpha: 1.5,
      seed: 3,
      settings: { temperature: 0.5 },
      turns: [{ prompt: 'a', answer: 'a/1.5/3', persona: 'me', alpha: 1.5, seed: 3, reason: 'end-token' }],
    })
  })
})

describe('comparing', () => {
  const speakers = { left: NOBODY, right: me }

  it('gives both the same history, message and seed, and leaves the chat as it was', async () => {
    const model = echoChatModel()
    const session = chatSession({ model, seed: 4 })
    await said(session.send('a'))
    const events = await eventsOf(session.compare('b', speakers))
    const textOf = (side: string) => events.flatMap((event) => (event.kind === 'finish' && event.side === side ? event.text : []))
    expect([textOf('left'), textOf('right')]).toEqual([['b/0/4'], ['b/1.5/4']])
    expect(model.prompts[1]).toBe(model.prompts[2])
    expect(model.prompts[1]).toContain('<user>a<assistant>a/0/4<user>b')
    expect(answersOf(session)).toEqual(['a/0/4'])
  })

  it('lets both answer at once', async () => {
    const events = await eventsOf(chatSession({ model: echoChatModel() }).compare('hello', speakers))
    const sides = events.map(({ side }) => side)
    expect(sides.indexOf('right')).toBeLessThan(sides.lastIndexOf('left'))
  })

  it('refuses a speaker that cannot be applied before either answers', () => {
    const model = echoChatModel()
    const foreign = { id: 'x', persona: steeringPersona({ model: 'f'.repeat(64) }) }
    expect(() => chatSession({ model }).compare('a', { left: NOBODY, right: foreign })).toThrow(/fitted on model/)
    expect(model.prompts).toEqual([])
  })

  it('fails where one side fails, and ends the other', async () => {
    let ended = false
    const model = {
      ...echoChatModel(),
      async *generate({ displacement }: { readonly displacement?: Float32Array | undefined }) {
        try {
          for (let i = 0; ; i++) {
            if (displacement !== undefined && i === 2) throw new Error('fell over')
            yield { kind: 'token', token: 1, text: 'a', logprob: 0 } as const
          }
        } finally {
          if (displacement === undefined) ended = true
        }
      },
    }
    await expect(eventsOf(chatSession({ model }).compare('a', speakers))).rejects.toThrow('fell over')
    expect(ended).toBe(true)
  })

  it('stops both on the signal', async () => {
    const stop = new AbortController()
    const finishes: ChatEvent[] = []
    let count = 0
    for await (const event of chatSession({ model: echoChatModel() }).compare('hello', speakers, { signal: stop.signal })) {
      if (++count === 4) stop.abort()
      if (event.kind === 'finish') finishes.push(event)
    }
    expect(finishes.map((event) => event.kind === 'finish' && event.reason)).toEqual(['stopped', 'stopped'])
  })
})

describe('a context that is full', () => {
  const turns = async (session: ChatSession, count: number) => {
    for (let i = 0; i < count; i++) await said(session.send(`message ${i}`))
  }

  it('leaves out as few of the oldest turns as it must, and says how many', async () => {
    const model = echoChatModel({ contextLength: 200 })
    const session = chatSession({ model, system: 'S', settings: { maxTokens: 20 } })
    await turns(session, 6)
    const events = await eventsOf(session.send('last'))
    const [first] = events
    expect(first).toMatchObject({ kind: 'trimmed', of: 6 })
    const leftOut = first?.kind === 'trimmed' ? first.leftOut : 0
    expect(model.prompts.at(-1)).toMatch(new RegExp(`^<system>S<user>message ${leftOut}<`))
    // Longer by one more turn it would not have had room for an answer.
    const turn = '<user>message 0<assistant>message 0/0/0'.length
    const { length } = model.prompts.at(-1)!
    expect(length).toBeLessThanOrEqual(200 - 20)
    expect(length + turn).toBeGreaterThan(200 - 20)
    expect(session.state().turns).toHaveLength(7)
    expect(session.state().turns.at(-1)).toMatchObject({ leftOut })
  })

  it('says nothing while everything fits', async () => {
    const session = chatSession({ model: echoChatModel(), settings: { maxTokens: 20 } })
    await turns(session, 6)
    expect((await eventsOf(session.send('last'))).map(({ kind }) => kind)).not.toContain('trimmed')
  })

  it('does not give up what was said for a long limit', async () => {
    const session = chatSession({ model: echoChatModel({ contextLength: 400 }), settings: { maxTokens: 100_000 } })
    await turns(session, 2)
    expect((await eventsOf(session.send('last'))).map(({ kind }) => kind)).not.toContain('trimmed')
  })

  it('refuses a message that is too long alone, and stays as it was', async () => {
    const session = chatSession({ model: echoChatModel({ contextLength: 300 }) })
    await turns(session, 1)
    await expect(eventsOf(session.send('x'.repeat(300)))).rejects.toThrow(/message has \d+ tokens .* the context holds 300/)
    expect(session.state().turns).toHaveLength(1)
    expect(await said(session.send('y'))).toBe('y/0/0')
  })
})
