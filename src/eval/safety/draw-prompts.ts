/** @file Part of a set: the prompts whose texts have the smallest hashes, so that every run draws the same and no file's order matters. */
import { sha256 } from '../units.ts'

/** In the order of the hashes; all of them, in that order, where there are no more than `count`. */
export async function drawPrompts<P extends { readonly text: string }>(prompts: readonly P[], count: number): Promise<P[]> {
  const hashed = await Promise.all(prompts.map(async (prompt) => ({ prompt, hash: await sha256(prompt.text) })))
  // Equal texts keep their order: sorting is stable.
  hashed.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0))
  return hashed.slice(0, count).map(({ prompt }) => prompt)
}
