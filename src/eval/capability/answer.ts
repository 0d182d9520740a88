/** @file An arm answers documents: log-likelihoods of their choices, or a text. */

import { groupBy } from '../../math/group-by.ts'
import type { LanguageModel, Tokens } from '../../model/language-model.ts'
import type { Arm } from '../arm.ts'
import { type BenchDocument, PROBLEM_MAX_TOKENS, PROBLEM_STOPS, type ProblemDocument } from './documents.ts'
import { logLikelihoods } from './likelihoods.ts'
import type { Response } from './measures.ts'

export interface AnswerOptions {
  readonly arm: Arm
  readonly beginning: Tokens
  readonly signal?: AbortSignal | undefined
}

type Asking = Exclude<BenchDocument, ProblemDocument>

/** In the order of the documents. */
export async function answerDocuments(
  model: LanguageModel,
  documents: readonly BenchDocument[],
  options: AnswerOptions,
): Promise<Response[]> {
  const responses = new Map<BenchDocument, Response>()
  const asking = documents.filter((document): document is Asking => document.kind !== 'problem')
  // What begins alike is computed once in one call.
  for (const members of groupBy(asking, ({ group }) => group).values()) {
    const scored = await scoreDocuments(model, members, options)
    members.forEach((document, i) => void responses.set(document, scored[i]!))
  }
  for (const document of documents) {
    if (document.kind === 'problem') responses.set(document, await solve(model, document, options))
  }
  return documents.map((document) => responses.get(document)!)
}

async function scoreDocuments(
  model: LanguageModel,
  documents: readonly Asking[],
  { arm, beginning, signal }: AnswerOptions,
): Promise<Response[]> {
  const run = { ...arm.steering, beginning, signal }
  const asked = documents.flatMap(({ requests }) =>
    requests.map(({ context, continuation }) => ({ context: withPreamble(context, arm.system), continuation })),
  )
  const conditional = await logLikelihoods(model, asked, run)
  const isAlone = (document: Asking) => document.kind === 'choice' && document.alone && beginning.length > 0
  const unprompted = documents.filter(isAlone).flatMap(({ requests }) => requests.map((request) => ({ ...request, context: '' })))
  const unconditional = unprompted.length === 0 ? [] : await logLikelihoods(model, unprompted, run)
  return documents.map((document): Response => {
    const own = conditional.splice(0, document.requests.length)
    const alone = isAlone(document) ? unconditional.splice(0, document.requests.length) : undefined
    return {
      kind: 'likelihoods',
      logLikelihoods: own.map(({ logLikelihood }) => logLikelihood),
      ...(alone && { alone: alone.map(({ logLikelihood }) => logLikelihood) }),
      cut: own.some(({ cut }) => cut > 0),
    }
  })
}

/** Greedy, as long as the stops and the number of tokens allow; a long context leaves room for the answer. */
async function solve(
  model: LanguageModel,
  { context }: ProblemDocument,
  { arm, signal }: Pick<AnswerOptions, 'arm' | 'signal'>,
): Promise<Response> {
  const all = model.encode(withPreamble(context, arm.system))
  const room = Math.max(1, model.shape.contextLength - PROBLEM_MAX_TOKENS)
  const request = { ...arm.steering, tokens: all.slice(-room), maxTokens: PROBLEM_MAX_TOKENS, stop: PROBLEM_STOPS, signal }
  let response: Response = { kind: 'text', text: '', unfinished: true, cut: all.length > room }
  for await (const event of model.generate(request)) {
    if (event.kind !== 'finish') continue
    const unfinished = event.reason === 'length' || event.reason === 'context'
    response = { ...response, text: event.text, unfinished }
  }
  return response
}

/** Raw text has no place for a system prompt: it stands before the context, as a paragraph of its own. */
export function withPreamble(context: string, system: string | undefined): string {
  return system === undefined ? context : `${system}\n\n${context}`
}
