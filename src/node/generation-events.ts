/** @file Tokens as they come -> events with text: whole characters only, nothing of a stop text. */
import type { GeneratedToken, GenerationEvent, Tokens } from '../model/language-model.ts'

export interface GenerationText {
  readonly prompt: Tokens
  readonly maxTokens: number
  readonly contextLength: number
  readonly stop: readonly string[]
  decode(tokens: Tokens): string
}

/** So many prompt tokens stand before the answer when it is decoded: decoders drop a leading space at the start of a text. */
const DECODED_CONTEXT = 4

export async function* generationEvents(
  tokens: AsyncIterable<GeneratedToken>,
  { prompt, maxTokens, contextLength, stop, decode }: GenerationText,
): AsyncIterable<GenerationEvent> {
  const given = Array.from(prompt).slice(-DECODED_CONTEXT)
  const soFar = textOf(given, decode)
  let generated = 0
  let text = ''
  let emitted = ''
  let endToken: GeneratedToken | undefined
  const finish = (reason: 'end-token' | 'stop' | 'length' | 'context', text: string): GenerationEvent => ({
    kind: 'finish',
    reason,
    text,
    promptTokens: prompt.length,
    generatedTokens: generated,
    ...(endToken && { endToken }),
  })

  for await (const { isEnd, ...ranked } of tokens) {
    if (isEnd) {
      endToken = ranked
      break
    }
    generated++
    text = soFar(ranked.token)
    const stopAt = earliest(text, stop)
    const safe = stopAt ?? text.length - heldBack(text, stop)
    // A decoder may rewrite what it gave before (spaces before punctuation): then nothing new is certain yet.
    const added = text.startsWith(emitted) ? text.slice(emitted.length, safe) : ''
    emitted += added
    yield { kind: 'token', ...ranked, text: added }
    if (stopAt !== undefined) {
      yield finish('stop', text.slice(0, stopAt))
      return
    }
  }
  const full = prompt.length + generated >= contextLength
  const reason = endToken !== undefined ? 'end-token' : generated >= maxTokens ? 'length' : full ? 'context' : 'end-token'
  yield finish(reason, text)
}

/** Tokens decoded at once at most: a text is decoded again with each of its tokens, and long ones would take ever longer. */
const DECODED_TOKENS = 64

/** The text so far, with each token that is added. What is behind the last few tokens stays as it was decoded. */
function textOf(given: readonly number[], decode: GenerationText['decode']): (token: number) => string {
  let head = ''
  let context = given
  let before = decode(given)
  let tail: number[] = []
  return (token) => {
    tail.push(token)
    const decoded = decode([...context, ...tail])
    const text = head + (decoded.startsWith(before) ? decoded.slice(before.length) : decode(tail))
    // A character may be half there: the cut waits until it is whole.
    if (tail.length >= DECODED_TOKENS && !text.endsWith('\uFFFD')) {
      head = text
      context = tail.slice(-DECODED_CONTEXT)
      before = decode(context)
      tail = []
    }
    return text
  }
}

function earliest(text: string, stop: readonly string[]): number | undefined {
  const found = stop.map((s) => text.indexOf(s)).filter((at) => at >= 0)
  return found.length === 0 ? undefined : Math.min(...found)
}

/** Characters at the end that may still change: half of a character's bytes, or the beginning of a stop text. */
function heldBack(text: string, stop: readonly string[]): number {
  const broken = /\uFFFD+$/.exec(text)?.[0].length ?? 0
  const partial = stop.map((s) => {
    let length = Math.min(s.length - 1, text.length)
    while (length > 0 && !s.startsWith(text.slice(-length))) length--
    return length
  })
  return Math.max(broken, ...partial, 0)
}
