/** @file The capability tasks: how items are asked, how many are drawn, what is measured and which measure is compared. */

import { groupBy } from '../../math/group-by.ts'
import {
  type BenchDocument,
  endingDocument,
  mmluDocument,
  problemDocument,
  questionDocument,
  truthDocument,
} from './documents.ts'
import type { ChoiceItem, ExampleItem, ProblemItem, TruthItem } from './items.ts'
import type { MetricName } from './measures.ts'

export const TASK_NAMES = ['mmlu', 'arc-challenge', 'hellaswag', 'truthfulqa', 'gsm8k'] as const

export interface Task {
  readonly name: string
  /** How items become prompts, for whoever reads the result. */
  readonly form: string
  /** Worked examples before every item. */
  readonly shots: number
  /** The first one is compared in the family of claims. */
  readonly metrics: readonly [MetricName, ...MetricName[]]
  /** Items of a full run, drawn by the hashes of their ids; undefined for all. */
  readonly size: number | undefined
  readonly documents: readonly BenchDocument[]
}

/** Letters after a list of choices; the examples of an item's own subject, in the order of their file. */
export function mmluTask(items: readonly ChoiceItem[], examples: readonly ChoiceItem[]): Task {
  const shots = 5
  const bySubject = groupBy(examples, ({ subject }) => subject)
  const examplesOf = ({ subject }: ChoiceItem) => (bySubject.get(subject) ?? []).slice(0, shots)
  return {
    name: 'mmlu',
    form: 'subject header, examples of the subject in file order, choices listed; continuations are letters',
    shots,
    metrics: ['acc', 'brier_score'],
    size: 1500,
    documents: items.map((item, row) => mmluDocument(item, row, examplesOf(item))),
  }
}

const CHOICE_METRICS = ['acc_norm', 'acc', 'acc_bytes', 'brier_score'] as const

/** ARC-Challenge, and any set of questions with choices in full. */
export function questionTask(name: string, items: readonly ChoiceItem[]): Task {
  return {
    name,
    form: '"Question: ...\\nAnswer:"; continuations are the choices',
    shots: 0,
    metrics: [...CHOICE_METRICS, 'acc_mutual_info'],
    size: undefined,
    documents: items.map(questionDocument),
  }
}

export function hellaswagTask(items: readonly ChoiceItem[]): Task {
  return {
    name: 'hellaswag',
    form: 'the text as it stands in the file; continuations are the endings',
    shots: 0,
    metrics: [...CHOICE_METRICS],
    size: 1500,
    documents: items.map(endingDocument),
  }
}

/** @param examples the harness has six fixed ones, always the same; they are part of its definition, not of this package */
export function truthfulqaTask(items: readonly TruthItem[], examples: readonly ExampleItem[]): Task {
  const before = examples.length === 0 ? 'without the fixed examples of the harness, ' : ''
  return {
    name: 'truthfulqa',
    form: `${before}"Q: ...\\nA:"; continuations are the answers`,
    shots: examples.length,
    metrics: ['mc1', 'mc2'],
    size: undefined,
    documents: items.map((item, row) => truthDocument(item, row, examples)),
  }
}

/** @param examples worked problems that stand before every item; none of the items themselves */
export function gsm8kTask(items: readonly ProblemItem[], examples: readonly ProblemItem[]): Task {
  return {
    name: 'gsm8k',
    form: '"Question: ...\\nAnswer:", greedy',
    shots: examples.length,
    metrics: ['exact_match,strict-match', 'exact_match,flexible-extract'],
    size: 500,
    documents: items.map((item, row) => problemDocument(item, row, examples)),
  }
}
