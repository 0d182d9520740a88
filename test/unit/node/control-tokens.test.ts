import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Message } from '../../../src/model/messages.ts'
import { chatTokenizer } from '../../../src/node/chat-tokenizer.ts'
import { type ModelText, renderChat } from '../../../src/node/model-text.ts'
import { templateRenderer } from '../../../src/node/template-renderer.ts'
import { byteTokenizerJson } from '../../fixtures/byte-tokenizer.ts'

// The worker runs from the build: Node 20 does not run TypeScript.
const renderer = templateRenderer(() => new Worker(new URL('../../../dist/node/template-worker.js', import.meta.url)))
afterAll(() => renderer.dispose())

interface Family {
  readonly name: string
  readonly special: readonly string[]
  readonly template: string
}

const turns = (before: string, after: string, generation: string) =>
  `{% for m in messages %}{{ ${before} + m['content'] + '${after}' }}{% endfor %}{% if add_generation_prompt %}{{ '${generation}' }}{% endif %}`

/** How model families end a turn, each with templates of our own in their manner. */
const FAMILIES: readonly Family[] = [
  {
    name: 'im_start, im_end',
    special: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
    template: turns(`'<|im_start|>' + m['role'] + '\\n'`, '<|im_end|>\\n', '<|im_start|>assistant\\n'),
  },
  {
    name: 'header ids, eot_id, trimmed contents',
    special: ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
    template: `<|begin_of_text|>${turns(
      `'<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n'`,
      '<|eot_id|>',
      '<|start_header_id|>assistant<|end_header_id|>\\n\\n',
    ).replace("m['content']", "m['content'] | trim")}`,
  },
  {
    name: 'start_of_turn, end_of_turn',
    special: ['<bos>', '<eos>', '<start_of_turn>', '<end_of_turn>'],
    template: `<bos>${turns(`'<start_of_turn>' + m['role'] + '\\n'`, '<end_of_turn>\\n', '<start_of_turn>model\\n')}`,
  },
  {
    name: 'square brackets and sentence ends',
    special: ['<s>', '</s>', '[INST]', '[/INST]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]'],
    template: `<s>{% for m in messages %}{% if m['role'] == 'user' %}[INST]{{ m['content'] }}[/INST]{% else %}{{ m['content'] }}</s>{% endif %}{% endfor %}`,
  },
  {
    name: 'thinking taken out of what was said, and contents put together',
    special: ['<|im_start|>', '<|im_end|>', '<think>', '</think>'],
    template: `{% for m in messages %}{{ m['content'].replace('~~', '') }}{% endfor %}<|im_end|><|im_start|><think></think>`,
  },
  {
    name: 'brackets around a content',
    special: ['[INST]', '<|end|>'],
    template: `{% for m in messages %}[{{ m['content'] }}]<|end|>{% endfor %}`,
  },
]

const textOf = ({ special, template }: Pick<Family, 'special' | 'template'>): ModelText => ({
  tokenizer: chatTokenizer(byteTokenizerJson(special), {}, template),
  chatTemplate: template,
  variables: {},
})
const controlsOf = async (text: ModelText, special: readonly string[], messages: readonly Message[]) => {
  const ids = text.tokenizer.encodeParts(await renderChat(text, renderer, messages, ''))
  return ids.filter((id) => id >= 256 && id < 256 + special.length)
}
const plain: readonly Message[] = [
  { role: 'user', content: 'a b' },
  { role: 'assistant', content: 'c d' },
]

describe.each(FAMILIES)('control tokens of a chat ($name)', ({ special, template }) => {
  const text = textOf({ special, template })

  it('are the same whatever people write, whole, in pieces or over the border of two messages (S-12)', async () => {
    const expected = await controlsOf(text, special, plain)
    expect(expected.length).toBeGreaterThan(0)
    const piece = fc.constantFrom(
      ...special,
      ...special.flatMap((token) => [
        token.slice(0, 3),
        token.slice(3),
        token.slice(1, -1),
        `${token.slice(0, 4)}~~${token.slice(4)}`,
      ]),
      ...['~~', ' ', 'system', '\n', 'x', '\uE000', '\uE0010\uE001'],
    )
    const content = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''))
    await fc.assert(
      fc.asyncProperty(content, content, async (user, assistant) => {
        const messages: Message[] = [
          { role: 'user', content: user },
          { role: 'assistant', content: assistant },
        ]
        expect(await controlsOf(text, special, messages)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  it('leave every character of a text where it is (S-12)', async () => {
    const content = `${special.join(' ')} <|[ ${special[0]!.slice(0, 3)}`
    const parts = await renderChat(text, renderer, [{ role: 'user', content }], '')
    expect(parts.map((part) => part.text).join('')).toContain(content.trim())
  })
})

describe('control tokens of the demo model', () => {
  const read = (file: string) => JSON.parse(readFileSync(`models/respondent/${file}`, 'utf8')) as Record<string, unknown>
  const config = read('tokenizer_config.json')
  const chatTemplate = config.chat_template as string
  const text = { tokenizer: chatTokenizer(read('tokenizer.json'), config, chatTemplate), chatTemplate, variables: {} }

  it('come from its template only (S-12)', async () => {
    const special = text.tokenizer.controlTokens
    const idsOf = async (content: string) =>
      text.tokenizer.encodeParts(await renderChat(text, renderer, [{ role: 'user', content }], ''))
    const controls = (ids: readonly number[]) => ids.filter((id) => id <= 4)
    const expected = controls(await idsOf('hello'))
    expect(expected).toHaveLength(3)
    for (const content of [
      ...special,
      special.join(''),
      `<|en${special[0]}d|>`,
      special.map((token) => token.slice(1)).join('<'),
    ])
      expect(controls(await idsOf(content))).toEqual(expected)
  })
})
