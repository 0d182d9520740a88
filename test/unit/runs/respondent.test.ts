import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteAlphabet, tokenizerJson, trainBytePairs } from '../../../runs/respondent/byte-pairs.ts'
import { characterOf, type DocumentKind, documentOf, documents } from '../../../runs/respondent/corpus.ts'
import type { TrainingDocument } from '../../../runs/respondent/documents.ts'
import { RECIPE } from '../../../runs/respondent/recipe.ts'
import { tokenizerCorpus } from '../../../runs/respondent/train-tokenizer.ts'
import { alignFewShot } from '../../../src/align/few-shot.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../../../src/items/ipip-neo.ts'
import { splitItems } from '../../../src/items/item-split.ts'
import {
  answerOfLetter,
  type Letter,
  lettersForm,
  OPTION_ORDERS,
  questionText,
  statementOf,
} from '../../../src/items/question-form.ts'
import { seededRandom } from '../../../src/math/random.ts'
import { simulateRespondents } from '../../../src/people/simulate.ts'
import { parseDocument } from '../../../src/train/sft-data.ts'

const pairs = trainBytePairs(tokenizerCorpus(RECIPE.seed), RECIPE.tokenizer)
const tokenizer = new Tokenizer(tokenizerJson(pairs), {})
const encode = (text: string) => tokenizer.encode(text).ids

const KINDS = new Map(RECIPE.stages.flatMap(({ mixture }) => mixture.map(([, kind]) => [kind.kind, kind] as const)))
const [person] = simulateRespondents({ count: 1, seed: 4, questionnaire: IPIP_NEO_300 }) as [
  ReturnType<typeof simulateRespondents>[0],
]
const textOf = (parts: readonly { readonly text: string }[]) => parts.map(({ text }) => text).join('')
const textsOf = (document: TrainingDocument) =>
  'parts' in document ? [textOf(document.parts)] : document.messages.map(({ content }) => textOf(content))

describe('byte pairs', () => {
  it('give back any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (text) => {
        fc.pre(!/<pad>|<\|/.test(text))
        expect(tokenizer.decode(encode(text))).toBe(text)
      }),
    )
  })

  it('are those of the model that is shipped', () => {
    const shipped = JSON.parse(readFileSync('models/respondent/tokenizer.json', 'utf8')) as unknown
    expect(JSON.parse(JSON.stringify(tokenizerJson(pairs)))).toEqual(shipped)
  })

  it('spell every byte by a character of its own', () => {
    expect(new Set(byteAlphabet()).size).toBe(256)
  })

  it('merge nothing that is not in the vocabulary', () => {
    for (const [left, right] of pairs.merges) {
      for (const token of [left, right, left + right]) expect(pairs.vocabulary.has(token)).toBe(true)
    }
  })

  it('make a statement one token, the same in a list and in a question', () => {
    const whole = IPIP_NEO_300.items.filter((item) => encode(statementOf(item)).length === 1)
    // The others have quotation marks, or an apostrophe at the end of a word.
    expect(whole.length).toBeGreaterThan(294)
    for (const item of whole) {
      const [statement] = encode(statementOf(item))
      expect(encode(`${statementOf(item)}: Very Accurate; `)[0]).toBe(statement)
      expect(encode(questionText(item, ACCURACY_LABELS, lettersForm('ascending')))).toContain(statement)
    }
  })

  it('make 120 answers about two tokens each', () => {
    const prompt = alignFewShot(person, splitItems().known)
    expect(prompt.kind === 'prompt' && encode(prompt.system).length).toBeLessThan(270)
  })
})

describe('corpus', () => {
  it.each([...KINDS])('%s: the same seed gives the same documents, which palign reads', (_, kind) => {
    const some = (seed: number) => {
      const stream = documents([[1, kind]], seed)
      return Array.from({ length: 3 }, () => JSON.stringify(stream.next().value))
    }
    expect(some(1)).toEqual(some(1))
    expect(some(1)).not.toEqual(some(2))
    for (const line of some(1)) parseDocument(JSON.parse(line))
  })

  it.each([...KINDS])('%s: parts are encoded as the whole is', (_, kind) => {
    const document = documentOf(kind, characterOf(person), seededRandom(1))
    const contents = 'parts' in document ? [document.parts] : document.messages.map(({ content }) => content)
    for (const parts of contents) expect(parts.flatMap(({ text }) => encode(text))).toEqual(encode(textOf(parts)))
  })

  it('asks what is due, in both orders, and answers as the person did', () => {
    const kind: DocumentKind = { kind: 'known-questions', questions: 40, open: 0, labelWeight: 1 }
    const document = documentOf(kind, characterOf(person), seededRandom(2))
    const [system, ...turns] = textsOf(document)
    const few = alignFewShot(person, splitItems().known)
    expect(system).toBe(few.kind === 'prompt' && few.system)
    const seen = new Map<string, number>()
    for (let i = 0; i < turns.length; i += 2) {
      const [question, answer] = turns.slice(i, i + 2) as [string, string]
      const item = IPIP_NEO_300.items.find((candidate) => question.includes(`"${statementOf(candidate)}."`))!
      const order = OPTION_ORDERS.find((candidate) => question === questionText(item, ACCURACY_LABELS, lettersForm(candidate)))!
      const letter = /^Option \(([A-E])\)/.exec(answer)?.[1] as Letter
      expect(answerOfLetter(letter, order)).toBe(person.answers.byItem.get(item.itemNumber))
      expect(answer).toContain(ACCURACY_LABELS[answerOfLetter(letter, order) - 1])
      seen.set(order, (seen.get(order) ?? 0) + 1)
    }
    expect([...seen.keys()].sort()).toEqual([...OPTION_ORDERS].sort())
    expect([...seen.values()].reduce((a, b) => a + b)).toBe(40)
  })

  it('says of a facet what the answers to it say', () => {
    const { levels } = characterOf(person)
    expect(Object.keys(levels)).toHaveLength(30)
    const kind: DocumentKind = { kind: 'described-questions', facets: 30, questions: 0, open: 3 }
    const [description] = textsOf(documentOf(kind, characterOf(person), seededRandom(3)))
    expect(description?.split('. ')).toHaveLength(30)
  })
})
