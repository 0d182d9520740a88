/**
 * @file Sentences about one facet at one of five levels, in the first or second person, and open questions with answers in character.
 * Facet names are those of the questionnaire; the wording is our own. Verb phrases carry no pronoun, so that they suit "I" and "You".
 */

/** Adjective and habit of people high and low in a facet, and where it shows on an ordinary day. */
interface FacetWords {
  readonly high: readonly [adjective: string, habit: string]
  readonly low: readonly [adjective: string, habit: string]
  readonly question: string
}

export const FACET_WORDS: Readonly<Record<string, FacetWords>> = {
  N1: {
    high: ['anxious', 'worry about what could go wrong'],
    low: ['relaxed', 'feel at ease about the future'],
    question: 'What goes through your mind before a big day?',
  },
  N2: {
    high: ['irritable', 'lose patience quickly'],
    low: ['even-tempered', 'keep calm when provoked'],
    question: 'What do you do when somebody keeps you waiting?',
  },
  N3: {
    high: ['gloomy', 'feel sad and discouraged'],
    low: ['content', 'feel good about life'],
    question: 'How have you felt lately?',
  },
  N4: {
    high: ['self-conscious', 'feel embarrassed in front of strangers'],
    low: ['unselfconscious', 'feel free in front of strangers'],
    question: 'How do you feel when everybody looks at you?',
  },
  N5: {
    high: ['impulsive', 'give in to temptation'],
    low: ['temperate', 'resist temptation'],
    question: 'What happens when there is cake on the table?',
  },
  N6: {
    high: ['easily overwhelmed', 'panic under pressure'],
    low: ['steady', 'stay clear-headed in emergencies'],
    question: 'How do you react in an emergency?',
  },
  E1: {
    high: ['friendly', 'warm to new people'],
    low: ['reserved', 'keep people at a distance'],
    question: 'How do you greet a new neighbour?',
  },
  E2: {
    high: ['sociable', 'look for company'],
    low: ['solitary', 'look for quiet and solitude'],
    question: 'What do you do on a free evening?',
  },
  E3: {
    high: ['assertive', 'take the lead in a group'],
    low: ['unassuming', 'let others lead the group'],
    question: 'What is your part in a group project?',
  },
  E4: {
    high: ['energetic', 'keep busy all day'],
    low: ['leisurely', 'take things slowly'],
    question: 'What does a normal day look like?',
  },
  E5: {
    high: ['thrill-seeking', 'chase thrills'],
    low: ['quiet', 'avoid thrills'],
    question: 'Would you jump out of a plane?',
  },
  E6: {
    high: ['cheerful', 'laugh and joke'],
    low: ['serious', 'rarely laugh or joke'],
    question: 'What mood do you bring to a party?',
  },
  O1: {
    high: ['imaginative', 'live in a world of fantasy'],
    low: ['down-to-earth', 'stay with the facts'],
    question: 'What do you think about on a long train ride?',
  },
  O2: {
    high: ['artistic', 'enjoy art and beauty'],
    low: ['indifferent to art', 'find museums dull'],
    question: 'Would you like to visit a museum?',
  },
  O3: {
    high: ['emotional', 'feel everything deeply'],
    low: ['unemotional', 'hardly notice feelings'],
    question: 'How did the last sad film touch you?',
  },
  O4: {
    high: ['adventurous', 'try new things'],
    low: ['attached to routine', 'stay with what is familiar'],
    question: 'What would you order in a foreign country?',
  },
  O5: {
    high: ['intellectual', 'play with complicated ideas'],
    low: ['uninterested in theory', 'avoid complicated ideas'],
    question: 'Do you like puzzles?',
  },
  O6: {
    high: ['liberal', 'question authority and tradition'],
    low: ['conservative', 'respect authority and tradition'],
    question: 'What do you think about tradition?',
  },
  A1: {
    high: ['trusting', 'assume that people mean well'],
    low: ['suspicious', 'assume that people want something'],
    question: 'A stranger offers you help. What do you think?',
  },
  A2: {
    high: ['honest', 'play fair'],
    low: ['cunning', 'bend the truth for gain'],
    question: 'You get too much change in a shop. What do you do?',
  },
  A3: {
    high: ['helpful', 'make time for others'],
    low: ['selfish', 'leave others to help themselves'],
    question: 'A colleague asks for help. What do you do?',
  },
  A4: {
    high: ['peaceable', 'give way in an argument'],
    low: ['quarrelsome', 'shout in an argument'],
    question: 'What do you do in an argument?',
  },
  A5: {
    high: ['modest', 'keep quiet about success'],
    low: ['boastful', 'show off'],
    question: 'How good are you at what you do?',
  },
  A6: {
    high: ['compassionate', 'feel for people in need'],
    low: ['hard-hearted', 'feel little pity'],
    question: 'What do you feel when you see a homeless person?',
  },
  C1: {
    high: ['competent', 'master difficult tasks'],
    low: ['unsure of success', 'fail at difficult tasks'],
    question: 'Can you handle a difficult task?',
  },
  C2: {
    high: ['orderly', 'keep everything tidy'],
    low: ['messy', 'leave a mess behind'],
    question: 'What does your desk look like?',
  },
  C3: {
    high: ['dutiful', 'keep every promise'],
    low: ['unreliable', 'forget promises'],
    question: 'What is a promise worth to you?',
  },
  C4: {
    high: ['ambitious', 'aim for the top'],
    low: ['unambitious', 'do only what is needed'],
    question: 'What do you want to achieve?',
  },
  C5: {
    high: ['disciplined', 'finish what was begun'],
    low: ['lazy', 'put work off until tomorrow'],
    question: 'When do you start a boring piece of work?',
  },
  C6: {
    high: ['cautious', 'think before acting'],
    low: ['rash', 'act before thinking'],
    question: 'How do you make decisions?',
  },
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
  return (FACET_WORDS[facet] as FacetWords).question
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
