/**
 * @file A text as hashed counts of its words and of pairs of neighbouring words ("feature hashing", Weinberger et al. 2009, arXiv 0902.2206):
 * the hash says bucket and sign, so that what falls together cancels on average. The vector has unit length, so that a long text weighs
 * as much as a short one.
 */
import { wordsOf } from '../n-grams.ts'

/** Buckets; a power of two. */
export const FEATURES = 2048

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** `[FEATURES]`, of unit length; zeros for a text without words. */
export function textFeatures(text: string): Float64Array {
  const features = new Float64Array(FEATURES)
  const words = wordsOf(text)
  for (const [index, word] of words.entries()) {
    add(features, word)
    // A space stands in no word: a pair never has the name of a word.
    if (index > 0) add(features, `${words[index - 1]} ${word}`)
  }
  const length = Math.hypot(...features)
  return length === 0 ? features : features.map((value) => value / length)
}

function add(features: Float64Array, name: string): void {
  const hash = hashOf(name)
  features[hash & (FEATURES - 1)]! += hash >>> 31 === 0 ? 1 : -1
}

/** FNV-1a of 32 bits over the UTF-16 units, mixed once more: its own high bits hardly depend on short names. */
function hashOf(name: string): number {
  let hash = FNV_OFFSET
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), FNV_PRIME)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
