/** @file What an export is asked: fixed texts, half of them as chats where the model has a template, four places of each. */
import type { Probe } from './verification.ts'

export const VERIFICATION_TEXTS = [
  'Once upon a time there was a little girl who lived near the sea.',
  'What do you do when a friend does not keep a promise?',
  'Describe a day on which everything went well for you.',
  'I like to plan my week, but on Saturday morning I',
  'The meeting was long, and when it was my turn to speak I said that',
  'Do you worry about things that may never happen? Tell me why.',
  'Write two lines about the first snow of the year.',
  'She opened the old letter, read it twice and then',
] as const

/** What tokenizers stumble over: white space, digits, capitals, accents, scripts, signs. */
export const TOKENIZER_TEXTS = [
  ...VERIFICATION_TEXTS,
  "It's 12:45, isn't it? I'd say 3.14159 or 2,000,000.",
  'two  spaces and\ta tab\nnew line',
  'Größe, naïve café, São Paulo',
  'HTTP_Response == 404 && done;',
] as const

const PLACES = 4

/** Four places spread over the tokens, the last among them; the last part is where most texts differ. */
export function probeOf(tokens: readonly number[]): Probe {
  const last = tokens.length - 1
  const places = Array.from({ length: PLACES }, (_, i) => Math.round((last * (i + 1)) / PLACES))
  return { tokens, places: [...new Set(places)] }
}
