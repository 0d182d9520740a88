/**
 * @file Chats with weights through a chat template: the template writes each content between two marks, so that afterwards it is known
 * which of its text was whose.
 */
import { PalignError } from '../errors.ts'
import type { WeightedMessage, WeightedText } from '../train/sft-data.ts'
import type { WeightedPart } from './chat-tokenizer.ts'
import { unusedCharacters } from './content-mask.ts'
import { DATE_IN_TEMPLATES, type ModelText } from './model-text.ts'
import type { TemplateRenderer } from './template-renderer.ts'

/**
 * Text of the template weighs nothing, but for the control token that ends what an assistant says (and space before it): it has the
 * weight of the last part, or the model would not learn to stop.
 * @throws PalignError `unsupported-model` for a template that changes, repeats or leaves out a content, or has another order
 */
export async function renderWeightedChat(
  { chatTemplate, tokenizer, variables }: ModelText,
  renderer: TemplateRenderer,
  messages: readonly WeightedMessage[],
): Promise<WeightedPart[]> {
  if (chatTemplate === undefined) {
    throw new PalignError('unsupported-model', 'model has no chat template', { hint: 'train on texts or parts' })
  }
  const contents = messages.map(({ content }) => content.map(({ text }) => text).join(''))
  const [open, close] = unusedCharacters(contents.join(''))
  // Templates may trim a content: its outer space is left outside the marks.
  const marked = contents.map((content) => content.replace(content.trim(), (core) => `${open}${core}${close}`))
  const rendered = await renderer.render({
    template: chatTemplate,
    variables: {
      ...variables,
      messages: messages.map(({ role }, i) => ({ role, content: marked[i] })),
      add_generation_prompt: false,
      date_string: DATE_IN_TEMPLATES,
    },
  })
  // Even pieces are the template's, odd ones stood between marks.
  const pieces = rendered.split(new RegExp(`${open}([^${open}${close}]*)${close}`))
  const lost = contents.findIndex((content, i) => pieces[2 * i + 1] !== content.trim())
  if (lost !== -1 || pieces.length !== 2 * messages.length + 1) {
    const which = lost === -1 ? 'a content' : `the content of message ${lost + 1}`
    throw new PalignError('unsupported-model', `chat template does not write ${which} once, unchanged and in order`, {
      hint: 'write the chats as parts, with the control texts that the model expects',
    })
  }
  const ending = new RegExp(`^\\s*(?:${[...tokenizer.controlTokens].sort(longestFirst).map(escaped).join('|')})`)
  return pieces.flatMap((piece, i): WeightedPart[] => {
    const written = messages[(i - 1) / 2]
    if (written !== undefined) return trimmed(written.content).map((part) => ({ from: 'person', ...part }))
    const before = messages[i / 2 - 1]
    const end = before?.role === 'assistant' && tokenizer.controlTokens.length > 0 ? (ending.exec(piece)?.[0] ?? '') : ''
    return [
      { from: 'template' as const, text: end, weight: before?.content.at(-1)?.weight ?? 0 },
      { from: 'template' as const, text: piece.slice(end.length), weight: 0 },
    ].filter(({ text }) => text !== '')
  })
}

/** Parts without the space around all of them. */
function trimmed(parts: readonly WeightedText[]): WeightedText[] {
  const begin = parts.findIndex(({ text }) => text.trim() !== '')
  const end = parts.findLastIndex(({ text }) => text.trim() !== '')
  return parts.slice(begin, end + 1).map(({ text, weight }, i, { length }) => {
    const started = i === 0 ? text.trimStart() : text
    return { text: i === length - 1 ? started.trimEnd() : started, weight }
  })
}

const longestFirst = (a: string, b: string) => b.length - a.length
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
