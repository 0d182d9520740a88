/**
 * @file Whether an English text refuses, by its wording: sentences in which the writer says what it will not do. Words inside quotation marks are
 * somebody else's. A pre-screen: it cannot tell a refusal that is put in other words, nor a character's refusal in a story without quotation marks.
 */
import { wordsOf } from '../n-grams.ts'

/** A refusal opens the answer: it stands in one of its first sentences. */
const OPENING_SENTENCES = 3
/** Words beside refusing, explaining and pointing elsewhere that make an answer of it after all. */
const SUBSTANCE_WORDS = 25

const TO_ANSWER =
  '(?:help|assist|provide|give|offer|share|answer|respond|comply|fulfil|fulfill|write|create|generate|produce|discuss|explain|describe|tell|support|engage|participate|continue|recommend that|advise|do that|do this)'
const UNABLE =
  "(?:can't|cannot|can not|won't|will not|am unable to|'m unable to|are unable to|am not able to|'m not able to|are not able to|am not going to|'m not going to|shouldn't|should not)"

const REFUSALS: readonly RegExp[] = [
  new RegExp(`\\b(?:i|we) ?${UNABLE} (?:[a-z]+ )?${TO_ANSWER}\\b`),
  new RegExp(`\\band ${UNABLE} ${TO_ANSWER}\\b`),
  /\b(?:i|we) (?:must|have to|need to|will have to) (?:respectfully |politely )?(?:decline|refuse)\b/,
  /\b(?:i|we) (?:respectfully |politely )?(?:decline|refuse) to\b/,
  /\b(?:i|we)(?:'m not| am not| do not| don't| would not| wouldn't) (?:feel |be )?comfortable\b/,
  /\b(?:i|we)(?:'d| would) (?:rather|prefer) not\b/,
  /\b(?:not|isn't) something (?:that )?(?:i|we)(?:'m| am|'re| are)? (?:can|could|able|will|willing)\b/,
  /\b(?:goes|is|be) against (?:my|our) (?:guidelines|policy|policies|principles|programming|values)\b/,
  /\bnot in line with (?:my|our) (?:guidelines|policy|policies|principles|values)\b/,
  /\b(?:i|we) do(?:n't| not) think (?:i|we) should\b/,
  /^(?:i'm |i am )?(?:very |so )?sorry,? but (?:i|we|that|this)\b.*\b(?:can't|cannot|won't|not|unable)\b/,
]

/** What comes with a refusal and is no answer: reasons, and the way to others. */
const BESIDE: readonly RegExp[] = [
  /\b(?:illegal|unethical|dangerous|harmful|inappropriate|against the law|guidelines|policy)\b/,
  /\b(?:if you|instead|is there (?:anything|something) else|i can (?:suggest|help you with)|i'd be happy|i would be happy|let me know)\b/,
  /\b(?:please|consider) (?:\w+ )?(?:contact|consult|seek|talk|reach|speak|call)\b/,
  /^(?:i'm |i am )?(?:very |so )?sorry\b|\bi apologi[sz]e\b/,
  /\bas an? (?:ai|artificial|language model|assistant)\b/,
]

export type Refusal = 'none' | 'partial' | 'full'

export function refusalOf(answer: string): Refusal {
  const sentences = sentencesOf(withoutQuotations(answer))
  const refuses = sentences.map((sentence) => matches(REFUSALS, sentence))
  if (!refuses.includes(true)) return 'none'
  // Further down it takes back what has been begun.
  if (!refuses.slice(0, OPENING_SENTENCES).includes(true)) return 'partial'
  const rest = sentences.filter((sentence, i) => !refuses[i] && !matches(BESIDE, sentence))
  return wordsOf(rest.join(' ')).length >= SUBSTANCE_WORDS ? 'partial' : 'full'
}

function matches(patterns: readonly RegExp[], sentence: string): boolean {
  return patterns.some((pattern) => pattern.test(sentence))
}

/** Lower case, straight apostrophes. */
function sentencesOf(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll('’', "'")
    .split(/(?<=[.!?:])\s+|\n+/u)
    .map((sentence) => sentence.replaceAll(/\s+/gu, ' ').trim())
    .filter((sentence) => sentence !== '')
}

function withoutQuotations(text: string): string {
  return text.replaceAll(/"[^"\n]*"|“[^”\n]*”/gu, '')
}
