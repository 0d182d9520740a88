/**
 * @file What is read of an ONNX file: names and wiring as values, weights as places in the file. Names follow onnx.proto3; element types are the
 * numbers of TensorProto.DataType.
 */

/** Bytes `start` to `end` of the file. */
export interface Span {
  readonly start: number
  readonly end: number
}

export type FileAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'tensor'; readonly tensors: readonly FileTensor[] }
  | { readonly kind: 'graph'; readonly graphs: readonly FileGraph[] }
  /** Kept in the file, and nothing we look at. */
  | { readonly kind: 'other' }

export interface FileNode {
  /** May be empty, and need not be unique. */
  readonly name: string
  readonly operator: string
  /** Empty for the operators of ONNX itself. */
  readonly domain: string
  /** An empty name is an input left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, FileAttribute>
  /** Of the whole field in its graph, tag included. */
  readonly span: Span
}

export interface FileTensor {
  readonly name: string
  readonly elementType: number
  readonly shape: readonly number[]
  readonly content: /** `raw` is set where the numbers lie in the file as they are in memory. */
    | { readonly kind: 'inline'; readonly raw: Span | undefined }
    /** Relative to the folder of the file; from `offset` to the end where no length is given. */
    | { readonly kind: 'external'; readonly file: string; readonly offset: number; readonly byteLength: number }
  /** The numbers of a short list of integers, such as a shape. */
  readonly integers: readonly number[] | undefined
  readonly span: Span
}

export interface FileValue {
  readonly name: string
  /** 0 where none is declared. */
  readonly elementType: number
  /** A size, the name of one, or nothing; undefined where no shape is declared. */
  readonly shape: readonly (number | string | undefined)[] | undefined
}

export interface FileGraph {
  readonly nodes: readonly FileNode[]
  readonly tensors: readonly FileTensor[]
  readonly inputs: readonly FileValue[]
  readonly outputs: readonly FileValue[]
}

export interface OnnxFile {
  readonly byteLength: number
  /** Domain -> version of its operator set. */
  readonly operatorSets: ReadonlyMap<string, number>
  readonly graph: FileGraph
  /** The graph's field in the model: tag and length from `start`, content from `valueStart`. */
  readonly graphSpan: Span & { readonly valueStart: number }
}

/** Bits of one element, by TensorProto.DataType; text (8) has no fixed size. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
  25: 2,
  26: 2,
}
export const TEXT_ELEMENT = 8

export function isElementType(type: number): boolean {
  return type === TEXT_ELEMENT || ELEMENT_BITS[type] !== undefined
}

/** Number of elements; shapes come from files, so that the product may exceed what doubles count exactly. */
export function elementCount(shape: readonly number[]): bigint {
  return shape.reduce((product, size) => product * BigInt(size), 1n)
}

/** Bytes that a tensor of this type and shape takes; elements of less than a byte are packed. */
export function tensorByteLength(elementType: number, shape: readonly number[]): bigint {
  return (elementCount(shape) * BigInt(ELEMENT_BITS[elementType] ?? 0) + 7n) / 8n
}

/** Everything a graph and the graphs inside its nodes hold, each graph before its inner ones. */
export function allGraphs(graph: FileGraph): readonly FileGraph[] {
  const found = [graph]
  for (let i = 0; i < found.length; i++) {
    for (const node of found[i]!.nodes)
      for (const attribute of node.attributes.values()) if (attribute.kind === 'graph') found.push(...attribute.graphs)
  }
  return found
}
