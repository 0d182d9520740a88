/**
 * @file What an ONNX graph of others takes and gives, for the decoder that feeds it: ids, mask, positions, and past keys and values paired with
 * what becomes of them by how the graph is wired. Inputs that nobody here knows are refused: a value made up for them could change the answer.
 */
import type { FileGraph, FileNode, FileValue } from '../formats/onnx-file.ts'
import type { ModelShape } from '../model/shape.ts'
import { INPUT_IDS, LAST_POSITION, LOGITS, POSITIONS, TOTAL_LENGTH } from './names.ts'
import { type AttentionCore, unsupportedGraph } from './onnx-attention.ts'
import { intAttribute, type Wiring } from './onnx-wiring.ts'

export type IntegerType = 'int32' | 'int64'
export type FloatType = 'float32' | 'float16'

/** One tensor of keys or values, `[batch, kvHeads, length, headDim]`. */
export interface GraphCache {
  readonly layer: number
  readonly part: 'key' | 'value'
  readonly past: string
  readonly present: string
  /** Keys or values of the new tokens alone, where present is nothing but past and these. */
  readonly fresh?: string | undefined
}

/** What an input of integers is fed. */
export type InputRole =
  /** Token ids `[batch, tokens]`. */
  | 'ids'
  /** Ones for past and new tokens, `[batch, past + tokens]`. */
  | 'mask'
  /** Positions of the new tokens, `[batch, tokens]`. */
  | 'positions'
  /** How many of the last tokens get logits; 0 is all. */
  | 'kept-logits'
  /** Which tokens get logits, `[selected]`. */
  | 'selected'
  /** Index of the last token, `[batch]`. */
  | 'last-position'
  /** Past and new tokens, a scalar. */
  | 'total-length'

export interface GraphInput {
  readonly name: string
  readonly role: InputRole
  readonly type: IntegerType
  readonly isScalar: boolean
}

export interface GraphInterface {
  readonly inputs: readonly GraphInput[]
  readonly caches: readonly GraphCache[]
  readonly cacheType: FloatType
  /** Tokens a past always has room for, where its length is fixed; how many are used then comes from the mask. */
  readonly pastLength: number | undefined
  /** Tokens that its rotary tables reach, where that can be seen. */
  readonly mostTokens: number | undefined
  readonly logits: { readonly name: string; readonly type: FloatType }
  /** Whether a past may be longer than its content: everything it needs to know of the rest comes from mask and positions. Shown at load, not believed. */
  readonly canKeepCache: boolean
}

/** Every spelling seen. */
const ROLES: Readonly<Record<string, InputRole>> = {
  [INPUT_IDS]: 'ids',
  attention_mask: 'mask',
  position_ids: 'positions',
  num_logits_to_keep: 'kept-logits',
  logits_to_keep: 'kept-logits',
  [POSITIONS]: 'selected',
  [LAST_POSITION]: 'last-position',
  [TOTAL_LENGTH]: 'total-length',
}

const FLOATS: Readonly<Record<number, FloatType>> = { 1: 'float32', 10: 'float16' }
const INTEGERS: Readonly<Record<number, IntegerType>> = { 6: 'int32', 7: 'int64' }

export interface InterfaceOptions {
  readonly wiring: Wiring
  /** In the order of the layers. */
  readonly cores: readonly AttentionCore[]
  readonly shape: ModelShape
}

/** @throws PalignError `unsupported-model` */
export function graphInterface({ wiring, cores, shape }: InterfaceOptions): GraphInterface {
  const { graph } = wiring
  const defaults = new Set(graph.tensors.map(({ name }) => name))
  // Inputs with a default of their own need not be fed.
  const declared = graph.inputs.filter(({ name }) => !defaults.has(name))
  const caches = cachesOf(wiring, cores, declared)
  const pasts = new Map(caches.map(({ past }) => [past, declared.find(({ name }) => name === past)!]))
  const inputs = declared.filter(({ name }) => !pasts.has(name)).map(inputOf)
  if (!inputs.some(({ role }) => role === 'ids')) throw unsupportedGraph(`it has no input ${INPUT_IDS}`)
  const [cacheType, pastLength] = [checkCaches(graph, pasts, shape), fixedLength([...pasts.values()])]
  if (pastLength !== undefined && cores.some(({ start, end }) => start !== end))
    throw unsupportedGraph(`its past has the fixed length ${pastLength}, which is known of attention operators only`)
  const roles = new Set(inputs.map(({ role }) => role))
  const canKeepCache =
    caches.every(({ fresh }) => fresh !== undefined) &&
    cacheType === 'float32' &&
    (['mask', 'positions'] as const).every((role) => roles.has(role)) &&
    !(['last-position', 'total-length'] as const).some((role) => roles.has(role))
  const logits = logitsOf(graph)
  return { inputs, caches, cacheType, pastLength, mostTokens: mostTokens(wiring, cores, pastLength), logits, canKeepCache }
}

function inputOf({ name, elementType, shape }: FileValue): GraphInput {
  const role = Object.hasOwn(ROLES, name) ? ROLES[name]! : undefined
  const type = INTEGERS[elementType]
  if (role === undefined || type === undefined || shape === undefined) {
    const what = role === undefined ? 'which is not known' : `of element type ${elementType}, expected integers of a known rank`
    throw unsupportedGraph(
      `it takes the input ${name}, ${what}; known are ${Object.keys(ROLES).join(', ')} and past keys and values`,
    )
  }
  return { name, role, type, isScalar: shape.length === 0 }
}

/** Each input of four dimensions, with the one layer whose attention it reaches and the output it becomes. */
function cachesOf(wiring: Wiring, cores: readonly AttentionCore[], declared: readonly FileValue[]): readonly GraphCache[] {
  const outputs = new Set(wiring.graph.outputs.map(({ name }) => name))
  const caches = declared
    .filter(({ shape, elementType }) => shape?.length === 4 && FLOATS[elementType] !== undefined)
    .map(({ name }) => cacheOf(wiring, cores, outputs, name))
  for (const [layer] of cores.entries()) {
    for (const part of ['key', 'value'] as const) {
      const found = caches.filter((cache) => cache.layer === layer && cache.part === part)
      if (found.length !== 1)
        throw unsupportedGraph(`layer ${layer} has ${found.length} inputs for its past ${part}s, expected one`)
    }
  }
  const presents = new Set(caches.map(({ present }) => present))
  if (presents.size !== caches.length) throw unsupportedGraph('two pasts become the same output')
  return caches.toSorted((a, b) => a.layer - b.layer || (a.part < b.part ? -1 : 1))
}

function cacheOf(wiring: Wiring, cores: readonly AttentionCore[], outputs: ReadonlySet<string>, past: string): GraphCache {
  const fused = cores.findIndex(({ start, end }) => start === end && start.inputs.includes(past))
  if (fused >= 0) return fusedCache(cores[fused]!.start, fused, outputs, past)
  const starts = new Map(cores.map(({ start }, layer) => [start, layer]))
  const ends = new Map(cores.map(({ end }, layer) => [end, layer]))
  const reached = new Map<string, { readonly layer: number; readonly part: 'key' | 'value' }>()
  const presents: string[] = []
  const seen = new Set([past])
  // Followed as far as the attention: what is behind it depends on every past before.
  const values = [past]
  for (let value = values.pop(); value !== undefined; value = values.pop()) {
    if (outputs.has(value)) presents.push(value)
    for (const node of wiring.readers(value)) {
      const [asKey, asValue] = [starts.get(node), ends.get(node)]
      if (asKey !== undefined) reached.set(`${asKey} key`, { layer: asKey, part: 'key' })
      else if (asValue !== undefined) reached.set(`${asValue} value`, { layer: asValue, part: 'value' })
      else
        for (const output of node.outputs) {
          if (seen.has(output) || output === '') continue
          seen.add(output)
          values.push(output)
        }
    }
  }
  const [place] = reached.values()
  if (place === undefined || reached.size > 1 || presents.length !== 1) {
    throw unsupportedGraph(
      `past ${past} reaches ${[...reached.keys()].join(', ') || 'no attention'} and ${presents.length} outputs (${presents.slice(0, 3).join(', ')}), expected one layer's keys or values and one output`,
    )
  }
  return { ...place, past, present: presents[0]!, fresh: freshOf(wiring, past, presents[0]!) }
}

/** Length is the third dimension of four. */
const LENGTH_AXES: readonly (number | undefined)[] = [2, -2]

function freshOf(wiring: Wiring, past: string, present: string): string | undefined {
  const node = wiring.producer(present)
  if (node?.operator !== 'Concat' || node.inputs.length !== 2 || node.inputs[0] !== past) return undefined
  const fresh = node.inputs[1]!
  const isComputed = wiring.producer(fresh) !== undefined && wiring.graph.outputs.every(({ name }) => name !== fresh)
  return isComputed && LENGTH_AXES.includes(intAttribute(node, 'axis')) ? fresh : undefined
}

/** Where attention operators take their past keys and values, and give the present ones. */
const FUSED_CACHE: Readonly<
  Record<string, { readonly past: readonly [number, number]; readonly present: readonly [number, number] }>
> = {
  GroupQueryAttention: { past: [3, 4], present: [1, 2] },
  MultiHeadAttention: { past: [6, 7], present: [1, 2] },
  Attention: { past: [4, 5], present: [1, 2] },
}

function fusedCache(node: FileNode, layer: number, outputs: ReadonlySet<string>, past: string): GraphCache {
  const places = FUSED_CACHE[node.operator]!
  const index = places.past.findIndex((input) => node.inputs[input] === past)
  const present = index < 0 ? '' : (node.outputs[places.present[index]!] ?? '')
  if (!outputs.has(present))
    throw unsupportedGraph(`past ${past} becomes ${present || 'nothing'}, expected an output of the graph`)
  return { layer, part: index === 0 ? 'key' : 'value', past, present }
}

function checkCaches(graph: FileGraph, pasts: ReadonlyMap<string, FileValue>, shape: ModelShape): FloatType {
  const types = new Set([...pasts.values()].map(({ elementType }) => elementType))
  const [type] = types
  if (types.size !== 1 || FLOATS[type!] === undefined)
    throw unsupportedGraph('past keys and values have several element types, or no known one')
  for (const { name, shape: declared } of pasts.values()) {
    const [, heads, , headDim] = declared!
    const fits = (found: number | string | undefined, expected: number) => typeof found !== 'number' || found === expected
    if (!fits(heads, shape.kvHeads) || !fits(headDim, shape.headDim)) {
      throw unsupportedGraph(
        `past ${name} has the shape [${declared!.map((size) => size ?? '?')}], expected [batch, ${shape.kvHeads}, length, ${shape.headDim}]`,
      )
    }
  }
  if (graph.outputs.length < pasts.size + 1)
    throw unsupportedGraph(`it has ${graph.outputs.length} outputs for ${pasts.size} pasts and the logits`)
  return FLOATS[type!]!
}

/** Input of GroupQueryAttention that holds the cosines, `[positions, ..]`. */
const COSINES = 7

function mostTokens(wiring: Wiring, cores: readonly AttentionCore[], pastLength: number | undefined): number | undefined {
  const tables = cores.flatMap(({ start }) => {
    const table = start.operator === 'GroupQueryAttention' ? wiring.constant(start.inputs[COSINES] ?? '') : undefined
    return table?.shape.length === 2 ? [table.shape[0]!] : []
  })
  const known = [...tables, ...(pastLength === undefined ? [] : [pastLength])]
  return known.length === 0 ? undefined : Math.min(...known)
}

function fixedLength(pasts: readonly FileValue[]): number | undefined {
  const lengths = new Set(pasts.map(({ shape }) => shape?.[2]).filter((length) => typeof length === 'number'))
  if (lengths.size > 1)
    throw unsupportedGraph(`its pasts have the fixed lengths ${[...lengths].slice(0, 4).join(', ')}, expected one`)
  const [length] = lengths
  return length
}

function logitsOf({ outputs }: FileGraph): GraphInterface['logits'] {
  const found = outputs.find(({ name }) => name === LOGITS)
  const type = found && FLOATS[found.elementType]
  if (type === undefined) {
    const names = outputs.filter(({ name }) => !name.startsWith('present')).map(({ name }) => name)
    throw unsupportedGraph(`it has no output ${LOGITS} of float32 or float16, found ${names.slice(0, 5).join(', ') || 'none'}`)
  }
  return { name: LOGITS, type }
}
