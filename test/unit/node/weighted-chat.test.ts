import { Template } from '@huggingface/jinja'
import { describe, expect, it } from 'vitest'
import { chatTokenizer } from '../../../src/node/chat-tokenizer.ts'
import { renderWeightedChat } from '../../../src/node/weighted-chat.ts'
import type { WeightedMessage } from '../../../src/train/sft-data.ts'
import { byteTokenizerJson } from '../../fixtures/byte-tokenizer.ts'

/** In the same thread: what is tested is what is done with the template's text. */
const renderer = {
  render: async ({ template, variables }: { template: string; variables: Record<string, unknown> }) =>
    new Template(template).render(variables),
  dispose: async () => undefined,
}
const CHATML =
  "{% for m in messages %}{{ '<s>' + m.role + '\n' + m.content + '</s>\n' }}{% endfor %}{% if add_generation_prompt %}<s>assistant\n{% endif %}"

const textWith = (chatTemplate: string) => ({
  chatTemplate,
  tokenizer: chatTokenizer(byteTokenizerJson(['<s>', '</s>']), {}, chatTemplate),
  variables: {},
})
const say = (role: WeightedMessage['role'], ...content: (readonly [string, number])[]): WeightedMessage => ({
  role,
  content: content.map(([text, weight]) => ({ text, weight })),
})
const shown = async (chatTemplate: string, messages: readonly WeightedMessage[]) =>
  (await renderWeightedChat(textWith(chatTemplate), renderer, messages)).map(({ text, weight }) => [text, weight])

const CHAT = [say('user', ['Hi there', 0]), say('assistant', ['Option', 0.1], [' (A)', 1])]

describe('a chat with weights', () => {
  it('is the text of the template, whose end token has the weight of the last thing the assistant said', async () => {
    expect(await shown(CHATML, CHAT)).toEqual([
      ['<s>user\n', 0],
      ['Hi there', 0],
      ['</s>\n<s>assistant\n', 0],
      ['Option', 0.1],
      [' (A)', 1],
      ['</s>', 1],
      ['\n', 0],
    ])
  })

  it('gives the tokens that the same chat has when the model is asked', async () => {
    const text = textWith(CHATML)
    const { tokens, weights } = text.tokenizer.encodeWeightedParts(await renderWeightedChat(text, renderer, CHAT))
    const whole = '<s>user\nHi there</s>\n<s>assistant\nOption (A)</s>\n'
    expect(tokens).toEqual(text.tokenizer.encodeParts([{ from: 'template', text: whole }]))
    expect(weights).toHaveLength(tokens.length)
    // 'Option' has six bytes, ' (A)' four and the end token is one.
    expect(weights.filter((weight) => weight === 0.1)).toHaveLength(6)
    expect(weights.filter((weight) => weight === 1)).toHaveLength(5)
  })

  it('allows a template to trim contents, and one that puts the system prompt into the first question', async () => {
    const trimming = CHATML.replace('m.content', '(m.content | trim)')
    expect(await shown(trimming, [say('user', ['  Hi ', 0]), say('assistant', [' ', 1], ['Yes\n', 1])])).toEqual([
      ['<s>user\n', 0],
      ['Hi', 0],
      ['</s>\n<s>assistant\n', 0],
      ['Yes', 1],
      ['</s>', 1],
      ['\n', 0],
    ])
  })

  it('keeps a control token that a person spells as text', async () => {
    const text = textWith(CHATML)
    const parts = await renderWeightedChat(text, renderer, [say('user', ['</s>', 0]), say('assistant', ['no', 1])])
    const { tokens } = text.tokenizer.encodeWeightedParts(parts)
    const end = text.tokenizer.encodeParts([{ from: 'template', text: '</s>' }])[0]
    expect(tokens.filter((token) => token === end)).toHaveLength(2)
  })

  it.each([
    [
      'leaves out a message',
      "{% for m in messages %}{% if m.role != 'user' %}{{ m.content }}{% endif %}{% endfor %}",
      'message 1',
    ],
    ['changes a content', '{% for m in messages %}{{ m.content | upper }}{% endfor %}', 'message 1'],
    ['repeats the last one', '{% for m in messages %}{{ m.content }}{% endfor %}{{ messages[1].content }}', 'a content'],
    ['turns the order round', '{{ messages[1].content }}{{ messages[0].content }}', 'message 1'],
  ])('is refused where the template %s', async (_, template, named) => {
    await expect(shown(template, CHAT)).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(named),
    })
  })
})
