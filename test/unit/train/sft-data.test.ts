import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../../src/train/sft-data.ts'

describe('documents of supervised training', () => {
  it('count what the assistant says and nothing else of a chat', () => {
    const document = parseDocument({
      messages: [
        { role: 'user', content: 'Who are you?' },
        { role: 'assistant', content: 'A person.' },
      ],
    })
    expect(document).toEqual({
      kind: 'chat',
      messages: [
        { role: 'user', content: [{ text: 'Who are you?', weight: 0 }] },
        { role: 'assistant', content: [{ text: 'A person.', weight: 1 }] },
      ],
    })
  })

  it('keep the weights of parts, which share no row with others', () => {
    const parts = [
      { text: 'Option', weight: 0.1 },
      { text: ' (A)', weight: 1 },
    ]
    expect(parseDocument({ parts })).toEqual({ kind: 'text', parts, packs: false })
    expect(parseDocument({ text: 'plain' })).toMatchObject({ kind: 'text', packs: true })
  })

  it.each([
    ['two kinds at once', { text: 'a', parts: [] }, 'fields "text", "parts"'],
    ['an unknown field', { prompt: 'a' }, 'the field "prompt"'],
    ['a role that is none', { messages: [{ role: 'tool', content: 'a' }] }, 'message 1 has no role'],
    ['an empty content', { messages: [{ role: 'assistant', content: ' ' }] }, 'message 1 is empty'],
    ['a negative weight', { parts: [{ text: 'a', weight: -1 }] }, 'part 1: expected text and a weight'],
    ['a list', [], 'document is no JSON object'],
  ])('refuse %s', (_, value, message) => {
    expect(() => parseDocument(value)).toThrow(message)
  })
})
