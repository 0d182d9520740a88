/** @file Sentences about one facet at one of five levels, in the first or second person, and open questions with answers in character. */
import { FACET_WORDS, type FacetWords } from '../../src/items/facet-words.ts'

/** Where a facet shows on an ordinary day. */
const QUESTIONS: Readonly<Record<string, string>> = {
  N1: 'What goes through your mind before a big day?',
  N2: 'What do you do when somebody keeps you waiting?',
  N3: 'How have you felt lately?',
  N4: 'How do you feel when everybody looks at you?',
  N5: 'What happens when there is cake on the table?',
  N6: 'How do you react in an emergency?',
  E1: 'How do you greet a new neighbour?',
  E2: 'What do you do on a free evening?',
  E3: 'What is your part in a group project?',
  E4: 'What does a normal day look like?',
  E5: 'Would you jump out of a plane?',
  E6: 'What mood do you bring to a party?',
  O1: 'What do you think about on a long train ride?',
  O2: 'Would you like to visit a museum?',
  O3: 'How did the last sad film touch you?',
  O4: 'What would you order in a foreign country?',
  O5: 'Do you like puzzles?',
  O6: 'What do you think about tradition?',
  A1: 'A stranger offers you help. What do you think?',
  A2: 'You get too much change in a shop. What do you do?',
  A3: 'A colleague asks for help. What do you do?',
  A4: 'What do you do in an argument?',
  A5: 'How good are you at what you do?',
  A6: 'What do you feel when you see a homeless person?',
  C1: 'Can you handle a difficult task?',
  C2: 'What does your desk look like?',
  C3: 'What is a promise worth to you?',
  C4: 'What do you want to achieve?',
  C5: 'When do you start a boring piece of work?',
  C6: 'How do you make decisions?',
}

/** 1 (very low) to 5 (very high). */
export type Level = 1 | 2 | 3 | 4 | 5
export type Voice = 'I' | 'You'

const DEGREES: Readonly<Record<Level, readonly string[]>> = {
  1: ['very', 'extremely', 'really'],
  2: ['rather', 'fairly', 'somewhat'],
  3: [],
  4: ['rather', 'fairly', 'somewhat'],
  5: ['very', 'extremely', 'really'],
}
const FREQUENCIES: Readonly<Record<Level, readonly string[]>> = {
  1: ['always', 'nearly always'],
  2: ['often', 'usually'],
  3: ['sometimes'],
  4: ['often', 'usually'],
  5: ['always', 'nearly always'],
}

const pick = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)] as T

/** "You are very anxious." or "You nearly always worry about what could go wrong." and their like; ends with a full stop. */
export function facetSentence(facet: string, level: Level, voice: Voice, random: () => number): string {
  const { high, low } = FACET_WORDS[facet] as FacetWords
  const are = voice === 'I' ? 'am' : 'are'
  const isHabit = random() < 0.4
  if (level === 3) {
    return isHabit
      ? `${voice} sometimes ${high[1]} and sometimes ${low[1]}.`
      : `${voice} ${are} neither very ${high[0]} nor very ${low[0]}.`
  }
  const [own, other] = level > 3 ? [high, low] : [low, high]
  if (isHabit) return `${voice} ${pick(FREQUENCIES[level], random)} ${own[1]}.`
  if (random() < 0.2) return `${voice} ${are} ${level === 1 || level === 5 ? 'not at all' : 'not very'} ${other[0]}.`
  return `${voice} ${are} ${pick(DEGREES[level], random)} ${own[0]}.`
}

/** An open question about a facet. */
export function openQuestion(facet: string): string {
  return QUESTIONS[facet] as string
}

/** One or two sentences of a person at this level, the habit first. */
export function openAnswer(facet: string, level: Level, random: () => number): string {
  const { high, low } = FACET_WORDS[facet] as FacetWords
  const [own] = level > 3 ? [high] : [low]
  const first =
    level === 3 ? `I sometimes ${high[1]} and sometimes ${low[1]}.` : `I ${pick(FREQUENCIES[level], random)} ${own[1]}.`
  const second = level === 3 ? `It depends on the day.` : `I am ${pick(DEGREES[level], random)} ${own[0]}.`
  return random() < 0.6 ? `${first} ${second}` : first
}

/** Plain sentences that say nothing about anybody. */
export function fillerSentence(random: () => number): string {
  const who = pick(['The old man', 'A child', 'The teacher', 'My neighbour', 'The driver', 'A woman in a red coat'], random)
  const does = pick(
    [
      'walks to the market',
      'reads the newspaper',
      'waits for the bus',
      'feeds the birds',
      'opens the window',
      'drinks a cup of tea',
    ],
    random,
  )
  const when = pick(['in the morning', 'after lunch', 'every Sunday', 'when it rains', 'before dinner', 'at six'], random)
  return `${who} ${does} ${when}.`
}
