/**
 * @file Changes to an ONNX file as a list of pieces: new bytes, and ranges of the file as they are. What is not named in the edits, fields that nobody
 * knows included, is written back byte for byte.
 */

import { concatenate } from '../math/bytes.ts'
import type { ByteSource } from './byte-source.ts'
import { graphFields, type OnnxGraph, type OnnxNode } from './onnx.ts'
import type { FileNode, FileTensor, OnnxFile, Span } from './onnx-file.ts'
import { MOST_HELD_DATA } from './onnx-tensor.ts'
import { protobufMessage } from './protobuf.ts'
import { type FieldReader, fieldReader, type ProtobufField, protobufFields, valueBytes } from './protobuf-reader.ts'

export type Piece = { readonly kind: 'new'; readonly bytes: Uint8Array } | ({ readonly kind: 'kept' } & Span)

export interface OnnxEdits {
  /** Node -> names of inputs it takes, and what it takes instead. */
  readonly rewire?: ReadonlyMap<FileNode, ReadonlyMap<string, string>> | undefined
  /** Node -> nodes to be computed before it. */
  readonly before?: ReadonlyMap<FileNode, readonly OnnxNode[]> | undefined
  /** Nodes that take nothing the graph computes. */
  readonly first?: readonly OnnxNode[] | undefined
  /** What is added at the end. */
  readonly added?: Partial<OnnxGraph> | undefined
  /**
   * Leaves large weights that lie inside the file out of the copy, which refers to them as external data in a file of this name: the file that is
   * being edited, beside the copy. Default: they are copied.
   */
  readonly weightsIn?: string | undefined
}

/** @throws PalignError `malformed-file` where the file has changed since it was read */
export async function editOnnxModel(source: ByteSource, model: OnnxFile, edits: OnnxEdits = {}): Promise<readonly Piece[]> {
  const { rewire, before, first = [], added = {}, weightsIn } = edits
  const reader = fieldReader(source)
  const { start, valueStart, end } = model.graphSpan
  const changes: (Span & { readonly pieces: readonly Piece[] })[] = []
  const insert = (at: number, graph: Partial<OnnxGraph>) =>
    changes.push({ start: at, end: at, pieces: [fresh(graphFields(graph))] })

  insert(valueStart, { nodes: first })
  for (const [node, nodes] of before ?? []) insert(node.span.start, { nodes })
  for (const [node, names] of rewire ?? []) changes.push({ ...node.span, pieces: [await rewired(reader, node, names)] })
  if (weightsIn !== undefined)
    for (const tensor of model.graph.tensors)
      if (isLarge(tensor)) changes.push({ ...tensor.span, pieces: await outsourced(reader, tensor, weightsIn) })
  insert(end, added)

  const graph = joined(valueStart, end, changes)
  // An untouched graph keeps its header too, however it was written.
  const head: Piece = changes.every(({ pieces }) => piecesLength(pieces) === 0)
    ? { kind: 'kept', start, end: valueStart }
    : fresh(lengthHeader(7, piecesLength(graph)))
  return merged([{ kind: 'kept', start: 0, end: start }, head, ...graph, { kind: 'kept', start: end, end: model.byteLength }])
}

/** The pieces between the changes and of them; where two are at one place, an insertion comes before a replacement. */
function joined(start: number, end: number, changes: readonly (Span & { readonly pieces: readonly Piece[] })[]): Piece[] {
  const pieces: Piece[] = []
  let at = start
  for (const change of [...changes].sort((a, b) => a.start - b.start || a.end - b.end)) {
    pieces.push({ kind: 'kept', start: at, end: change.start }, ...change.pieces)
    at = change.end
  }
  return [...pieces, { kind: 'kept', start: at, end }]
}

/** The node with other names for some inputs, and everything else as it was. */
async function rewired(reader: FieldReader, { span }: FileNode, names: ReadonlyMap<string, string>): Promise<Piece> {
  const whole = await reader.bytes(span.start, span.end)
  const [field] = protobufFields(whole) as [ProtobufField]
  const content = { bytes: valueBytes(whole, field), offset: field.valueStart }
  const parts = protobufFields(content).map((inner) => {
    const name = inner.number === 1 ? names.get(new TextDecoder().decode(valueBytes(content, inner))) : undefined
    if (name === undefined) return content.bytes.subarray(inner.start - content.offset, inner.end - content.offset)
    return protobufMessage((message) => message.text(1, name))
  })
  return fresh(protobufMessage((message) => message.bytes(1, concatenate(parts))))
}

const isLarge = ({ content }: FileTensor) =>
  content.kind === 'inline' && content.raw !== undefined && content.raw.end - content.raw.start > MOST_HELD_DATA

const RAW_DATA = 9
const DATA_LOCATION = 14

async function outsourced(reader: FieldReader, { span, content }: FileTensor, file: string): Promise<Piece[]> {
  const raw = content.kind === 'inline' ? content.raw! : { start: 0, end: 0 }
  let valueStart = span.start
  await reader.walk(span.start, span.end, (field) => {
    valueStart = field.valueStart
  })
  const kept: Piece[] = []
  await reader.walk(valueStart, span.end, (field) => {
    if (field.number !== RAW_DATA && field.number !== DATA_LOCATION)
      kept.push({ kind: 'kept', start: field.start, end: field.end })
  })
  const place = protobufMessage((message) => {
    for (const [key, value] of Object.entries({ location: file, offset: raw.start, length: raw.end - raw.start }))
      message.message(13, (entry) => {
        entry.text(1, key)
        entry.text(2, String(value))
      })
    message.integer(DATA_LOCATION, 1)
  })
  return [fresh(lengthHeader(5, piecesLength(kept) + place.length)), ...kept, fresh(place)]
}

const fresh = (bytes: Uint8Array): Piece => ({ kind: 'new', bytes })

/** Tag and length of a field whose content comes behind it. */
function lengthHeader(field: number, length: number): Uint8Array {
  return protobufMessage((message) => message.lengthOf(field, length))
}

/** Ranges that touch become one, empty pieces none. */
function merged(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = []
  for (const piece of pieces) {
    const last = out.at(-1)
    if (piecesLength([piece]) === 0) continue
    if (last?.kind === 'kept' && piece.kind === 'kept' && last.end === piece.start)
      out[out.length - 1] = { ...last, end: piece.end }
    else out.push(piece)
  }
  return out
}

export function piecesLength(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + (piece.kind === 'new' ? piece.bytes.length : piece.end - piece.start), 0)
}

const CHUNK_BYTES = 1 << 22

/** The edited file, in chunks of at most four megabytes. */
export async function* pieceChunks(source: ByteSource, pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece.kind === 'new') yield piece.bytes
    else
      for (let at = piece.start; at < piece.end; at += CHUNK_BYTES)
        yield await source.slice(at, Math.min(piece.end, at + CHUNK_BYTES))
  }
}

/** The edited file in memory: for a copy that leaves large weights where they are. */
export async function collectPieces(source: ByteSource, pieces: readonly Piece[]): Promise<Uint8Array> {
  const out = new Uint8Array(piecesLength(pieces))
  let at = 0
  for await (const chunk of pieceChunks(source, pieces)) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}
