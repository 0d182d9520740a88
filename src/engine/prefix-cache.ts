/**
 * @file Keys and values of texts that began alike, by blocks of tokens: a prompt that starts as an earlier one under the same displacement starts where that one
 * went apart. Blocks form a tree, one for each displacement; a block is found by all tokens before it, compared one by one, so that nothing is ever
 * mistaken for something else. Steering changes what a text's tokens are to the next ones: nothing is shared between displacements that differ in one bit.
 */
import type { Displacement } from '../model/displacement.ts'
import type { Tokens } from '../model/language-model.ts'
import type { KvBlock } from './batch-decoder.ts'

export interface PrefixCacheOptions {
  /** Tokens of a block: passes over prompts are cut at its multiples, whether or not anything is cached, so that no number depends on the cache. */
  readonly blockTokens: number
  /** Keys, values and displacements together; the blocks used longest ago go first. */
  readonly mostBytes: number
}

export interface PrefixCache {
  /** Blocks of the longest known beginning of `tokens`, in order; they count as used now. Always leaves at least one token. */
  find(tokens: Tokens, displacement: Displacement | undefined): readonly KvBlock[]
  /** Keeps the block that ends a beginning of `tokens`, `count` blocks long; passed over where the blocks before it are not known (any more). */
  keep(tokens: Tokens, displacement: Displacement | undefined, count: number, block: KvBlock): void
  /** Bytes in use. */
  bytes(): number
}

interface Node {
  readonly block: KvBlock
  readonly children: Map<string, Node>
  readonly parent: Node | Root
  readonly key: string
  readonly bytes: number
  used: number
}

interface Root {
  readonly displacement: Displacement | undefined
  readonly children: Map<string, Node>
}

export function prefixCache({ blockTokens, mostBytes }: PrefixCacheOptions): PrefixCache {
  const roots: Root[] = []
  const nodes = new Set<Node>()
  let total = 0
  let clock = 0

  const rootOf = (displacement: Displacement | undefined) => roots.find((root) => isSame(root.displacement, displacement))
  const keyOf = (tokens: Tokens, index: number) =>
    Array.prototype.slice.call(tokens, index * blockTokens, (index + 1) * blockTokens).join()

  function drop(node: Node): void {
    node.parent.children.delete(node.key)
    nodes.delete(node)
    total -= node.bytes
    if (node.parent.children.size > 0 || isNode(node.parent)) return
    roots.splice(roots.indexOf(node.parent), 1)
    total -= bytesOf(node.parent.displacement)
  }

  /** A block that others continue is used whenever they are, so the oldest of all is always the end of a branch. */
  function makeRoom(): void {
    while (total > mostBytes && nodes.size > 0) {
      let oldest: Node | undefined
      for (const node of nodes) {
        if (node.children.size === 0 && (oldest === undefined || node.used < oldest.used)) oldest = node
      }
      drop(oldest!)
    }
  }

  function* path(root: Root, tokens: Tokens, most: number): Generator<Node> {
    let at: Root | Node = root
    for (let index = 0; index < most; index++) {
      const next: Node | undefined = at.children.get(keyOf(tokens, index))
      if (next === undefined) return
      next.used = ++clock
      yield next
      at = next
    }
  }

  return {
    find(tokens, displacement) {
      const root = rootOf(displacement)
      const most = Math.floor((tokens.length - 1) / blockTokens)
      return root === undefined ? [] : Array.from(path(root, tokens, most), ({ block }) => block)
    },

    keep(tokens, displacement, count, block) {
      let root = rootOf(displacement)
      if (root === undefined) {
        if (count > 1) return
        root = { displacement, children: new Map() }
        roots.push(root)
        total += bytesOf(displacement)
      }
      const known = [...path(root, tokens, count)]
      if (known.length === count - 1) {
        const parent = known.at(-1) ?? root
        const key = keyOf(tokens, count - 1)
        const bytes = block.arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)
        const node: Node = { block, children: new Map(), parent, key, bytes, used: ++clock }
        parent.children.set(key, node)
        nodes.add(node)
        total += bytes
      }
      makeRoom()
    },

    bytes: () => total,
  }
}

const isNode = (parent: Node | Root): parent is Node => 'parent' in parent
const bytesOf = (displacement: Displacement | undefined) => displacement?.byteLength ?? 0

/** Bit for bit: two zeros of unlike sign are unlike. */
function isSame(a: Displacement | undefined, b: Displacement | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.length !== b.length) return false
  const [left, right] = [bits(a), bits(b)]
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false
  return true
}

const bits = ({ buffer, byteOffset, length }: Displacement) => new Uint32Array(buffer, byteOffset, length)
