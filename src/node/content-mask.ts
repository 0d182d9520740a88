/**
 * @file Who wrote which control token of a rendered chat. Contents that spell one are masked while the template runs, so that afterwards they are text
 * again. A template may also make one out of pieces (it takes something out of a content, or puts a bracket around it): so no content may change
 * which control tokens there are.
 */
import { PalignError } from '../errors.ts'
import type { Message } from '../model/messages.ts'
import type { TextPart } from './chat-tokenizer.ts'

export interface ContentMask {
  hide(content: string): string
  reveal(rendered: string): TextPart[]
}

/** @param render the chat with masked contents, as parts */
export async function renderHonestly(
  messages: readonly Message[],
  controlTokens: readonly string[],
  render: (mask: ContentMask) => Promise<TextPart[]>,
): Promise<TextPart[]> {
  const contents = messages.map(({ content }) => content)
  const parts = await render(spellingMask(contents, controlTokens))
  const strict = characterMask(contents, controlTokens)
  if (strict === undefined) return parts
  const safe = await render(strict)
  const written = controlsIn(controlTokens)
  return written(parts) === written(safe) ? parts : safe
}

/** Whole control tokens only: all other text reaches the template as it is, as templates expect it. */
function spellingMask(contents: readonly string[], controlTokens: readonly string[]): ContentMask {
  const all = contents.join('')
  const hidden = [...controlTokens].filter((token) => all.includes(token)).sort((a, b) => b.length - a.length)
  if (hidden.length === 0) return { hide: (content) => content, reveal: (rendered) => [{ from: 'template', text: rendered }] }
  // Two private-use characters that no message contains stand around the number of the hidden token.
  const [open, close] = unusedCharacters(all)
  return {
    hide: (content) => hidden.reduce((masked, token, i) => masked.replaceAll(token, `${open}${i}${close}`), content),
    reveal: (rendered) =>
      rendered.split(new RegExp(`${open}(\\d+)${close}`)).map(
        (piece, i): TextPart =>
          // Odd pieces are the captured numbers.
          i % 2 === 1 ? { from: 'person', text: hidden[Number(piece)] as string } : { from: 'template', text: piece },
      ),
  }
}

/** One character for another: those with which control tokens begin and end, and all of a content that lies within one. Undefined where there are none. */
function characterMask(contents: readonly string[], controlTokens: readonly string[]): ContentMask | undefined {
  const all = contents.join('')
  const ends = controlTokens.flatMap((token) => [[...token][0], [...token].at(-1)])
  const inner = contents
    .map((content) => content.trim())
    .filter((content) => controlTokens.some((token) => token.includes(content)))
  const characters = [...new Set([...ends, ...inner.join('')])].filter(
    (one) => one !== undefined && all.includes(one),
  ) as string[]
  if (characters.length === 0) return undefined
  const masks = freeCharacters(all, characters.length)
  const maskOf = new Map(characters.map((one, i) => [one, masks[i] as string]))
  const shown = new Map([...maskOf].map(([one, mask]) => [mask, one]))
  return {
    hide: (content) => Array.from(content, (one) => maskOf.get(one) ?? one).join(''),
    reveal: (rendered) =>
      rendered
        .split(new RegExp(`([${masks.join('')}]+)`))
        .map(
          (piece, i): TextPart =>
            i % 2 === 1
              ? { from: 'person', text: Array.from(piece, (mask) => shown.get(mask)).join('') }
              : { from: 'template', text: piece },
        ),
  }
}

/** The control tokens of the template's own text, in order. */
function controlsIn(controlTokens: readonly string[]): (parts: readonly TextPart[]) => string {
  const longestFirst = [...controlTokens].sort((a, b) => b.length - a.length)
  const any = new RegExp(longestFirst.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g')
  return (parts) => JSON.stringify(parts.flatMap(({ from, text }) => (from === 'template' ? (text.match(any) ?? []) : [])))
}

/** Two private-use characters that the text does not contain. */
export function unusedCharacters(text: string): [string, string] {
  return freeCharacters(text, 2) as [string, string]
}

function freeCharacters(text: string, count: number): string[] {
  const free: string[] = []
  for (let code = 0xe000; code <= 0xf8ff && free.length < count; code++) {
    const character = String.fromCharCode(code)
    if (!text.includes(character)) free.push(character)
  }
  if (free.length < count) throw new PalignError('invalid-input', 'text uses every private-use character')
  return free
}
