/** @file Trains the tokenizer of the demo model on what its corpus is made of and writes tokenizer.json and tokenizer_config.json. */

import { FACET_WORDS } from '../../src/items/facet-words.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../src/items/ipip-neo.ts'
import {
  DEFAULT_SYSTEM_PROMPT,
  LETTERS,
  lettersForm,
  OPTION_ORDERS,
  questionText,
  statementOf,
} from '../../src/items/question-form.ts'
import { seededRandom } from '../../src/math/random.ts'
import { writeFileAtomic } from '../../src/node/atomic-write.ts'
import { phrasesOf, tokenizerJson, trainBytePairs, wordsOf } from './byte-pairs.ts'
import { RECIPE } from './recipe.ts'
import { facetSentence, fillerSentence, type Level, openAnswer, openQuestion } from './sentences.ts'

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"

/** Texts whose phrases may become one token, and how often each counts. */
const WHOLE = 100
/** Sentences are split into words: a description by another hand has the same words but other phrases. */
const SENTENCE_DRAWS = 20

export function tokenizerCorpus(seed: number): Map<string, number> {
  const random = seededRandom(seed)
  const counts = new Map<string, number>()
  const add = (phrase: string, count: number) => counts.set(phrase, (counts.get(phrase) ?? 0) + count)
  for (const item of IPIP_NEO_300.items) {
    for (const order of OPTION_ORDERS)
      for (const phrase of phrasesOf(questionText(item, ACCURACY_LABELS, lettersForm(order)))) add(phrase, WHOLE)
    for (const phrase of phrasesOf(statementOf(item))) add(phrase, WHOLE)
  }
  for (const label of ACCURACY_LABELS) for (const end of ['', '; ']) add(`: ${label}${end}`, WHOLE)
  const head = 'Here are some of your behaviors and your level of recognition towards them; You'
  const answer = LETTERS.map((letter) => `Option (${letter}). Very Accurate`).join('\n')
  for (const phrase of [...phrasesOf(DEFAULT_SYSTEM_PROMPT), ...phrasesOf(head), ...phrasesOf(answer)]) add(phrase, 10 * WHOLE)
  for (const { high, low } of Object.values(FACET_WORDS)) {
    for (const [adjective] of [high, low]) for (const end of ['', '; ']) add(`: ${adjective}${end}`, WHOLE)
  }
  const sentences = Object.keys(FACET_WORDS).flatMap((facet) => [
    openQuestion(facet),
    ...([1, 2, 3, 4, 5] as Level[]).flatMap((level) =>
      Array.from({ length: SENTENCE_DRAWS }, () => [
        facetSentence(facet, level, 'You', random),
        facetSentence(facet, level, 'I', random),
        openAnswer(facet, level, random),
        fillerSentence(random),
      ]).flat(),
    ),
  ])
  for (const sentence of sentences) {
    for (const phrase of phrasesOf(sentence)) for (const word of wordsOf(phrase)) add(word, 1)
  }
  return counts
}

/** Returns the size of the vocabulary. */
export async function writeTokenizer(folder: string): Promise<number> {
  const pairs = trainBytePairs(tokenizerCorpus(RECIPE.seed), RECIPE.tokenizer)
  await writeFileAtomic(`${folder}/tokenizer.json`, `${JSON.stringify(tokenizerJson(pairs))}\n`)
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: '<|end|>',
    pad_token: '<pad>',
    chat_template: CHAT_TEMPLATE,
    clean_up_tokenization_spaces: false,
    model_max_length: RECIPE.model.max_position_embeddings,
  }
  await writeFileAtomic(`${folder}/tokenizer_config.json`, `${JSON.stringify(config, null, 1)}\n`)
  return pairs.vocabulary.size
}
