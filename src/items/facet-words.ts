/**
 * @file Two words for each end of every facet: an adjective and a habit. Facets are those of the questionnaire; the wording is our own. Habits
 * carry no pronoun, so that they suit "I" and "You".
 */

export interface FacetWords {
  readonly high: readonly [adjective: string, habit: string]
  readonly low: readonly [adjective: string, habit: string]
}

export const FACET_WORDS: Readonly<Record<string, FacetWords>> = {
  N1: { high: ['anxious', 'worry about what could go wrong'], low: ['relaxed', 'feel at ease about the future'] },
  N2: { high: ['irritable', 'lose patience quickly'], low: ['even-tempered', 'keep calm when provoked'] },
  N3: { high: ['gloomy', 'feel sad and discouraged'], low: ['content', 'feel good about life'] },
  N4: {
    high: ['self-conscious', 'feel embarrassed in front of strangers'],
    low: ['unselfconscious', 'feel free in front of strangers'],
  },
  N5: { high: ['impulsive', 'give in to temptation'], low: ['temperate', 'resist temptation'] },
  N6: { high: ['easily overwhelmed', 'panic under pressure'], low: ['steady', 'stay clear-headed in emergencies'] },
  E1: { high: ['friendly', 'warm to new people'], low: ['reserved', 'keep people at a distance'] },
  E2: { high: ['sociable', 'look for company'], low: ['solitary', 'look for quiet and solitude'] },
  E3: { high: ['assertive', 'take the lead in a group'], low: ['unassuming', 'let others lead the group'] },
  E4: { high: ['energetic', 'keep busy all day'], low: ['leisurely', 'take things slowly'] },
  E5: { high: ['thrill-seeking', 'chase thrills'], low: ['quiet', 'avoid thrills'] },
  E6: { high: ['cheerful', 'laugh and joke'], low: ['serious', 'rarely laugh or joke'] },
  O1: { high: ['imaginative', 'live in a world of fantasy'], low: ['down-to-earth', 'stay with the facts'] },
  O2: { high: ['artistic', 'enjoy art and beauty'], low: ['indifferent to art', 'find museums dull'] },
  O3: { high: ['emotional', 'feel everything deeply'], low: ['unemotional', 'hardly notice feelings'] },
  O4: { high: ['adventurous', 'try new things'], low: ['attached to routine', 'stay with what is familiar'] },
  O5: { high: ['intellectual', 'play with complicated ideas'], low: ['uninterested in theory', 'avoid complicated ideas'] },
  O6: { high: ['liberal', 'question authority and tradition'], low: ['conservative', 'respect authority and tradition'] },
  A1: { high: ['trusting', 'assume that people mean well'], low: ['suspicious', 'assume that people want something'] },
  A2: { high: ['honest', 'play fair'], low: ['cunning', 'bend the truth for gain'] },
  A3: { high: ['helpful', 'make time for others'], low: ['selfish', 'leave others to help themselves'] },
  A4: { high: ['peaceable', 'give way in an argument'], low: ['quarrelsome', 'shout in an argument'] },
  A5: { high: ['modest', 'keep quiet about success'], low: ['boastful', 'show off'] },
  A6: { high: ['compassionate', 'feel for people in need'], low: ['hard-hearted', 'feel little pity'] },
  C1: { high: ['competent', 'master difficult tasks'], low: ['unsure of success', 'fail at difficult tasks'] },
  C2: { high: ['orderly', 'keep everything tidy'], low: ['messy', 'leave a mess behind'] },
  C3: { high: ['dutiful', 'keep every promise'], low: ['unreliable', 'forget promises'] },
  C4: { high: ['ambitious', 'aim for the top'], low: ['unambitious', 'do only what is needed'] },
  C5: { high: ['disciplined', 'finish what was begun'], low: ['lazy', 'put work off until tomorrow'] },
  C6: { high: ['cautious', 'think before acting'], low: ['rash', 'act before thinking'] },
}
