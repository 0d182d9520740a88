/** @file First-person items ("Dislike myself.") as grammatical second-person statements ("You dislike yourself."). */

const WORDS: Readonly<Record<string, string>> = {
  i: 'you',
  "i'm": "you're",
  am: 'are',
  me: 'you',
  my: 'your',
  myself: 'yourself',
}

/** Items are verb phrases without a subject: the subject is added, the first letter lowered, first-person words turned. */
export function secondPerson(text: string): string {
  const phrase = text.charAt(0).toLowerCase() + text.slice(1)
  return `You ${phrase.replace(/[A-Za-z']+/g, (word) => WORDS[word.toLowerCase()] ?? word)}`
}
