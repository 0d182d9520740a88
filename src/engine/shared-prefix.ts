/** @file Prompts that begin alike: what they have in common is computed once, and each prompt's own rest continues it. */
import { throwIfAborted } from '../errors.ts'
import type { RunOptions, Tokens } from '../model/language-model.ts'
import type { Decoder, DecoderState } from './decoder.ts'

/** Length of the longest common prefix that leaves every prompt at least one token of its own. */
export function sharedPrefixLength(prompts: readonly Tokens[]): number {
  const [first, ...others] = prompts
  if (first === undefined || others.length === 0) return 0
  let length = Math.min(...prompts.map((prompt) => prompt.length - 1))
  for (const other of others) {
    let same = 0
    while (same < length && other[same] === first[same]) same++
    length = same
  }
  return length
}

/** Runs `visit` on each prompt's rest and the state it continues, in order. Honours `signal` and `onProgress`. */
export async function forEachPrompt(
  decoder: Decoder,
  prompts: readonly Tokens[],
  { displacement, adapter, signal, onProgress }: RunOptions,
  visit: (rest: Tokens, past: DecoderState | undefined, index: number) => Promise<void>,
): Promise<void> {
  const shared = sharedPrefixLength(prompts)
  throwIfAborted(signal)
  const tokens = sliceTokens(prompts[0] ?? [], 0, shared)
  const past = shared > 0 ? (await decoder.forward({ tokens, displacement, adapter })).state : undefined
  for (const [index, prompt] of prompts.entries()) {
    throwIfAborted(signal)
    await visit(sliceTokens(prompt, shared), past, index)
    onProgress?.({ done: index + 1, total: prompts.length })
  }
  past?.release()
}

export function sliceTokens(tokens: Tokens, start: number, end?: number): Tokens {
  return Array.prototype.slice.call(tokens, start, end) as number[]
}
