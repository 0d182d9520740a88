/**
 * @file The reward of a written answer (paper section 3): minus the distance between the option it names and the person's own, 0 at best;
 * -6 where it names none.
 *
 * Which option a text names: option texts are looked for on word boundaries, in any case and with any white space; the one that begins
 * earliest counts, and of those that begin there the longest. So "Very Inaccurate" is never "Accurate", and a text that names two options
 * has answered with its first. Negations and letters are not read: "not very accurate" names Very Accurate, "(B)" names nothing.
 */
import type { Answer, Questionnaire } from '../items/questionnaire.ts'

export const NO_OPTION_REWARD = -6

/** The answer whose option text occurs. */
export function optionIn(text: string, labels: Questionnaire['answerLabels']): Answer | undefined {
  const pattern = [...labels]
    .sort((a, b) => b.length - a.length)
    .map((label) => label.split(/\s+/).map(escaped).join('\\s+'))
    .join('|')
  const found = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${pattern})(?![\\p{L}\\p{N}_])`, 'iu').exec(text)?.[0]
  if (found === undefined) return undefined
  const plain = (words: string) => words.toLowerCase().replaceAll(/\s+/g, ' ')
  return (labels.findIndex((label) => plain(label) === plain(found)) + 1) as Answer
}

export function optionReward(text: string, answer: Answer, labels: Questionnaire['answerLabels']): number {
  const named = optionIn(text, labels)
  return named === undefined ? NO_OPTION_REWARD : 0 - Math.abs(named - answer)
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
