/**
 * @file The shape of a model whose graph others wrote, from its config.json. Only sizes are read: what is computed with them is in the graph, so that no
 * architecture needs to be known by name.
 */
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import type { ModelShape } from '../model/shape.ts'
import { DEFAULT_CONTEXT, SHAPE_FIELDS } from './llama-config.ts'

const schema = z.object(SHAPE_FIELDS)

export interface ForeignShapeOptions {
  /** Tokens; default what the config says, at most 8192 and what the graph can hold. */
  readonly contextLength?: number | undefined
}

/** @throws PalignError `malformed-file` for sizes that are missing or absurd */
export function foreignShape(json: unknown, { contextLength }: ForeignShapeOptions = {}): ModelShape {
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new PalignError('malformed-file', `config field ${issue?.path.join('.')} is wrong: ${issue?.message}`, {
      hint: 'an ONNX model needs the config.json of the model that it was exported from',
    })
  }
  const fields = parsed.data
  const heads = fields.num_attention_heads
  const kvHeads = fields.num_key_value_heads ?? heads
  const headDim = fields.head_dim ?? fields.hidden_size / heads
  if (heads % kvHeads !== 0 || !Number.isInteger(headDim)) {
    throw new PalignError(
      'malformed-file',
      `config has ${heads} heads, ${kvHeads} key/value heads and head dimension ${headDim}, expected whole multiples`,
    )
  }
  return {
    layers: fields.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    hiddenSize: fields.hidden_size,
    vocabSize: fields.vocab_size,
    contextLength: contextOf(fields.max_position_embeddings, contextLength),
  }
}

/** Families that see a window where their config does not speak of one. */
const WINDOW_BY_DEFAULT = new Set(['mistral'])

/**
 * Whether a token sees all before it, as far as the config says: nothing in it speaks of windows, chunks or other than full layers. Where tokens see by distance, hidden places between them
 * would move it.
 */
export function seesAllTokens(json: unknown): boolean {
  const fields = Object.entries((json ?? {}) as Record<string, unknown>)
  const switchedOff = fields.some(([name, value]) => name === 'use_sliding_window' && value === false)
  const [, type] = fields.find(([name]) => name === 'model_type') ?? []
  const speaksOfWindow = fields.some(([name]) => name === 'sliding_window')
  if (typeof type !== 'string' || (WINDOW_BY_DEFAULT.has(type) && !speaksOfWindow)) return false
  return fields.every(([name, value]) => {
    if (name === 'layer_types') return Array.isArray(value) && value.every((kind) => kind === 'full_attention')
    if (!/window|chunk|local|alibi|block_sparse/i.test(name)) return true
    return value === null || value === false || value === 0 || (switchedOff && /window/.test(name))
  })
}

/** The shape with a context that the graph can hold. @throws PalignError `invalid-input` where more was asked for */
export function withinGraph(
  shape: ModelShape,
  mostTokens: number | undefined,
  { contextLength }: ForeignShapeOptions,
): ModelShape {
  if (mostTokens === undefined || shape.contextLength <= mostTokens) return shape
  if (contextLength !== undefined) throw tooLong(contextLength, mostTokens)
  return { ...shape, contextLength: mostTokens }
}

function contextOf(most: number, wanted = Math.min(most, DEFAULT_CONTEXT)): number {
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > most) throw tooLong(wanted, most)
  return wanted
}

function tooLong(wanted: number, most: number): PalignError {
  return new PalignError('invalid-input', `context length is ${wanted}, expected 1 to ${most}`, {
    hint: 'the model was made for sequences of that length at most',
  })
}
