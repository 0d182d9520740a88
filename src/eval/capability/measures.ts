/** @file What is measured of a document: every measure with the value that guessing has. */
import { mean } from '../../math/statistics.ts'
import type { BenchDocument, ChoiceDocument, ProblemDocument, TruthDocument } from './documents.ts'
import { FILTERS, type FilterName, isExactMatch } from './exact-match.ts'
import { argmax, brierScore, mutualInformation, perByte, perCharacter, truthfulMass } from './metrics.ts'

/** What a model answered to a document. */
export type Response =
  | {
      readonly kind: 'likelihoods'
      /** Of the document's requests, nats. */
      readonly logLikelihoods: readonly number[]
      /** Of the choices after nothing, where they were asked. */
      readonly alone?: readonly number[] | undefined
      /** Whether the context was too long for the model and lost its beginning. */
      readonly cut: boolean
    }
  | {
      readonly kind: 'text'
      readonly text: string
      /** Whether the text ended because no more tokens were allowed. */
      readonly unfinished: boolean
      readonly cut: boolean
    }

export type MetricName =
  | 'acc'
  | 'acc_norm'
  | 'acc_bytes'
  | 'acc_mutual_info'
  | 'brier_score'
  | 'mc1'
  | 'mc2'
  | `exact_match,${FilterName}`

/** Measures that are right or wrong, document by document. */
export function isBinary(metric: MetricName): boolean {
  return metric !== 'brier_score' && metric !== 'mc2'
}

export function isHigherBetter(metric: MetricName): boolean {
  return metric !== 'brier_score'
}

/** Undefined where the document or the response has nothing to measure it by. */
export function measure(metric: MetricName, document: BenchDocument, response: Response): number | undefined {
  if (document.kind === 'problem') return response.kind === 'text' ? problemMeasure(metric, document, response.text) : undefined
  if (response.kind === 'text') return undefined
  return document.kind === 'truth'
    ? truthMeasure(metric, document, response.logLikelihoods)
    : choiceMeasure(metric, document, response)
}

function choiceMeasure(
  metric: MetricName,
  { choices, right }: ChoiceDocument,
  { logLikelihoods, alone }: Extract<Response, { kind: 'likelihoods' }>,
): number | undefined {
  const isRight = (scores: readonly number[]) => (argmax(scores) === right ? 1 : 0)
  switch (metric) {
    case 'acc':
      return isRight(logLikelihoods)
    case 'acc_norm':
      return isRight(perCharacter(logLikelihoods, choices))
    case 'acc_bytes':
      return isRight(perByte(logLikelihoods, choices))
    case 'acc_mutual_info':
      return alone && isRight(mutualInformation(logLikelihoods, alone))
    case 'brier_score':
      return brierScore(logLikelihoods, right)
    default:
      return undefined
  }
}

function truthMeasure(metric: MetricName, { single, many }: TruthDocument, values: readonly number[]): number | undefined {
  if (metric === 'mc1') return argmax(single.requests.map((request) => values[request]!)) === single.right ? 1 : 0
  if (metric !== 'mc2') return undefined
  return truthfulMass(many.map(({ request, isTrue }) => ({ logLikelihood: values[request]!, isTrue })))
}

function problemMeasure(metric: MetricName, { solution }: ProblemDocument, text: string): number | undefined {
  const filter = filterOf(metric)
  if (filter === undefined) return undefined
  return isExactMatch(FILTERS[filter](text), solution) ? 1 : 0
}

/** How a measure of generated texts reads them; undefined for the others. */
export function filterOf(metric: MetricName): FilterName | undefined {
  return (Object.keys(FILTERS) as FilterName[]).find((name) => metric === `exact_match,${name}`)
}

/** Expectation over the documents where all answers are equally likely, or drawn evenly; 0 for a number that has to be written. */
export function chanceLevel(metric: MetricName, documents: readonly BenchDocument[]): number {
  return mean(
    documents.map((document) => {
      switch (document.kind) {
        case 'choice':
          return metric === 'brier_score' ? 1 - 1 / document.choices.length : 1 / document.choices.length
        case 'truth':
          return metric === 'mc2' ? mean(document.many.map(({ isTrue }) => Number(isTrue))) : 1 / document.single.requests.length
        case 'problem':
          return 0
        default:
          return document satisfies never
      }
    }),
  )
}
