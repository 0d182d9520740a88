/**
 * @file Documents of supervised training as a JSONL file gives them, one a line: `{"messages": [{"role", "content"}]}`, `{"text": "..."}` or
 * `{"parts": [{"text", "weight"}]}`. The weight of a token says how much its prediction counts in the loss.
 */
import { PalignError } from '../errors.ts'
import type { Message } from '../model/messages.ts'

export interface WeightedText {
  readonly text: string
  /** At least 0; 0 is read but not learnt. */
  readonly weight: number
}

export interface WeightedMessage {
  readonly role: Message['role']
  readonly content: readonly WeightedText[]
}

export type TrainingDocument =
  | { readonly kind: 'chat'; readonly messages: readonly WeightedMessage[] }
  /** `packs`: whether it may share a row with other texts. */
  | { readonly kind: 'text'; readonly parts: readonly WeightedText[]; readonly packs: boolean }

const ROLES: readonly string[] = ['system', 'user', 'assistant'] satisfies Message['role'][]
/** Weights are relative: larger ones are slips, and would drown every other token. */
const MAX_WEIGHT = 1000

/**
 * What an assistant says counts 1 and everything else in a chat 0, a text counts 1, unless parts say otherwise.
 * @throws PalignError `malformed-file`; the caller adds file and line
 */
export function parseDocument(value: unknown): TrainingDocument {
  const fields = record(value, 'document')
  const names = Object.keys(fields)
  const [name] = names
  if (names.length !== 1 || name === undefined)
    refuse(`document has the fields ${shown(names)}, expected one of messages, text, parts`)
  switch (name) {
    case 'text':
      return { kind: 'text', parts: [{ text: nonEmptyText(fields.text, 'text'), weight: 1 }], packs: true }
    case 'parts':
      return { kind: 'text', parts: readParts(fields.parts, 'parts'), packs: false }
    case 'messages':
      return { kind: 'chat', messages: readMessages(fields.messages) }
    default:
      return refuse(`document has the field ${shown(names)}, expected messages, text or parts`)
  }
}

function readMessages(value: unknown): WeightedMessage[] {
  if (!Array.isArray(value) || value.length === 0) return refuse('messages are no list with at least one message')
  return value.map((entry: unknown, i) => {
    const { role, content, ...rest } = record(entry, `message ${i + 1}`)
    if (typeof role !== 'string' || !ROLES.includes(role)) return refuse(`message ${i + 1} has no role of ${ROLES.join(', ')}`)
    if (Object.keys(rest).length > 0)
      return refuse(`message ${i + 1} has the field ${shown(Object.keys(rest))}, expected role and content`)
    const weight = role === 'assistant' ? 1 : 0
    const parts =
      typeof content === 'string'
        ? [{ text: nonEmptyText(content, `message ${i + 1}`), weight }]
        : readParts(content, `message ${i + 1}`)
    return { role: role as Message['role'], content: parts }
  })
}

function readParts(value: unknown, name: string): WeightedText[] {
  if (!Array.isArray(value) || value.length === 0) return refuse(`${name}: expected text or a list of {"text", "weight"}`)
  const parts = value.map((entry: unknown, i) => {
    const { text, weight, ...rest } = record(entry, `${name}, part ${i + 1}`)
    const isWeight = typeof weight === 'number' && weight >= 0 && weight <= MAX_WEIGHT
    if (typeof text !== 'string' || !isWeight || Object.keys(rest).length > 0) {
      return refuse(`${name}, part ${i + 1}: expected text and a weight from 0 to ${MAX_WEIGHT} only`)
    }
    return { text, weight }
  })
  nonEmptyText(parts.map(({ text }) => text).join(''), name)
  return parts
}

function nonEmptyText(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.trim() === '') return refuse(`${name} is empty`)
  return value
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(`${name} is no JSON object`)
  return value as Record<string, unknown>
}

const shown = (names: readonly string[]) =>
  names
    .slice(0, 5)
    .map((name) => JSON.stringify(name.slice(0, 50)))
    .join(', ')

function refuse(message: string): never {
  throw new PalignError('malformed-file', message, { hint: 'see "Training" in the README for the three kinds of lines' })
}
