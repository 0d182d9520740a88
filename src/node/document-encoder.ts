/** @file Training documents -> tokens and weights, with the tokenizer and chat template of a model folder. */
import { Worker } from 'node:worker_threads'
import { PalignError } from '../errors.ts'
import type { TokenisedDocument } from '../train/document-store.ts'
import type { TrainingDocument } from '../train/sft-data.ts'
import type { WeightedTokens } from './chat-tokenizer.ts'
import type { ModelText } from './model-text.ts'
import { templateRenderer } from './template-renderer.ts'
import { renderWeightedChat } from './weighted-chat.ts'

/** A chat of a hundred turns takes longer than a prompt, and a corpus holds many. */
const DEADLINE_MS = 5000

export interface DocumentEncoder {
  /** One, or several where a plain text is longer than the context. */
  encode(document: TrainingDocument): Promise<TokenisedDocument[]>
  dispose(): Promise<void>
}

export interface DocumentEncoderOptions {
  /** Longest sequence, tokens. */
  readonly contextLength: number
  readonly vocabSize: number
}

/** @throws PalignError from `encode`: `malformed-file` for a document that is too long or teaches nothing, `unsupported-model` */
export function documentEncoder(text: ModelText, { contextLength, vocabSize }: DocumentEncoderOptions): DocumentEncoder {
  const start = () => new Worker(new URL('./template-worker.js', import.meta.url))
  const renderer = templateRenderer(start, { deadlineMs: DEADLINE_MS })
  const check = (tokens: readonly number[]) => {
    const unknown = tokens.find((token) => token >= vocabSize)
    if (unknown === undefined) return
    throw new PalignError('unsupported-model', `tokenizer gives token ${unknown}, but the model knows ${vocabSize} tokens`)
  }
  const encoded = async (document: TrainingDocument): Promise<WeightedTokens> =>
    document.kind === 'text'
      ? text.tokenizer.encodeWeighted(document.parts)
      : text.tokenizer.encodeWeightedParts(await renderWeightedChat(text, renderer, document.messages))
  return {
    async encode(document) {
      const { tokens, weights } = await encoded(document)
      check(tokens)
      const packs = document.kind === 'text' && document.packs
      if (tokens.length > contextLength && !packs) {
        throw new PalignError('malformed-file', `document has ${tokens.length} tokens, at most ${contextLength} are learnt`, {
          hint: 'shorten it; plain texts are split by palign, chats and parts are not',
        })
      }
      const pieces = Array.from({ length: Math.ceil(tokens.length / contextLength) }, (_, i) => {
        const range = [i * contextLength, (i + 1) * contextLength] as const
        return { tokens: tokens.slice(...range), weights: weights.slice(...range), packs }
      })
      // The first token is predicted by nothing.
      const learnt = pieces.filter((piece) => piece.weights.some((weight, i) => i > 0 && weight > 0))
      if (learnt.length > 0) return learnt
      throw new PalignError('malformed-file', 'document teaches nothing: no token after the first has a weight above 0', {
        hint: 'a chat needs something that the assistant says',
      })
    },
    dispose: () => renderer.dispose(),
  }
}
