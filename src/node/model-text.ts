/** @file The text side of a model folder: tokenizer, chat template, end tokens. */
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import type { Message } from '../model/messages.ts'
import { type ChatTokenizer, chatTokenizer, type TextPart } from './chat-tokenizer.ts'
import { type ContentMask, renderHonestly } from './content-mask.ts'
import { decodeText, ifExists, readFileBounded, readJson } from './read-file.ts'
import { checkTemplateLength, type TemplateRenderer } from './template-renderer.ts'

const MAX_TOKENIZER_BYTES = 64 << 20
const MAX_CONFIG_BYTES = 1 << 20
/** Templates that print today's date would make runs differ from day to day. */
export const DATE_IN_TEMPLATES = '26 Jul 2024'

export interface ModelText {
  readonly tokenizer: ChatTokenizer
  readonly chatTemplate: string | undefined
  /** Special tokens by the name that templates use: bos_token, eos_token... */
  readonly variables: Readonly<Record<string, string>>
}

export async function readModelText(folder: string): Promise<ModelText> {
  const json = record(await readJson(join(folder, 'tokenizer.json'), MAX_TOKENIZER_BYTES), 'tokenizer.json')
  const config = record(
    (await ifExists(readJson(join(folder, 'tokenizer_config.json'), MAX_CONFIG_BYTES))) ?? {},
    'tokenizer_config.json',
  )
  const path = join(folder, 'chat_template.jinja')
  const jinja = await ifExists(readFileBounded(path, MAX_CONFIG_BYTES))
  const chatTemplate = jinja === undefined ? templateOf(config.chat_template) : decodeText(jinja, path)
  if (chatTemplate !== undefined) checkTemplateLength(chatTemplate)
  return { tokenizer: chatTokenizer(json, config, chatTemplate), chatTemplate, variables: specialTokens(config) }
}

/** Tokens that end an answer, from generation_config.json and config.json, where either names them. */
export async function readEndTokens(folder: string): Promise<number[]> {
  const files = ['generation_config.json', 'config.json']
  const configs = await Promise.all(files.map((name) => ifExists(readJson(join(folder, name), MAX_CONFIG_BYTES))))
  const ids = configs.flatMap((config) => (config === undefined ? [] : [record(config, 'config').eos_token_id].flat()))
  return [...new Set(ids.filter((id) => typeof id === 'number'))]
}

/** Chat -> parts written by the template and parts written by people. */
export async function renderChat(
  text: ModelText,
  renderer: TemplateRenderer,
  messages: readonly Message[],
  continueWith: string,
): Promise<TextPart[]> {
  if (text.chatTemplate === undefined) {
    throw new PalignError('unsupported-model', 'model has no chat template', {
      hint: 'use a chat model, or give plain text (palign generate --raw)',
    })
  }
  const controls = text.tokenizer.controlTokens
  const render = async ({ hide, reveal }: ContentMask) =>
    reveal(
      await renderer.render({
        template: text.chatTemplate as string,
        variables: {
          ...text.variables,
          messages: messages.map(({ role, content }) => ({ role, content: hide(content) })),
          add_generation_prompt: true,
          date_string: DATE_IN_TEMPLATES,
        },
      }),
    )
  const parts = await renderHonestly(messages, controls, render)
  return continueWith === '' ? parts : [...parts, { from: 'person', text: continueWith }]
}

function templateOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.find((entry) => entry?.name === 'default')
  return typeof named?.template === 'string' ? named.template : undefined
}

function specialTokens(config: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'unk_token', 'pad_token']) {
    const value = config[name]
    const text = typeof value === 'string' ? value : (value as { content?: unknown } | null | undefined)?.content
    if (typeof text === 'string') tokens[name] = text
  }
  return tokens
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PalignError('malformed-file', `file ${name} holds no JSON object`)
  }
  return value as Record<string, unknown>
}
