/** @file Who computes and who takes each value of an ONNX graph that others wrote, and which values are constants. */
import { sortedNodes } from '../formats/onnx-check.ts'
import type { FileGraph, FileNode, FileTensor } from '../formats/onnx-file.ts'

export interface Wiring {
  readonly graph: FileGraph
  /** Each after those whose outputs it takes. */
  readonly nodes: readonly FileNode[]
  producer(value: string): FileNode | undefined
  /** Nodes that take the numbers of a value, each once; those that ask for its shape only are left out. */
  readers(value: string): readonly FileNode[]
  /** A matrix or list that does not depend on any input. */
  constant(value: string): Constant | undefined
}

export interface Constant {
  /** As its reader sees it: transposed, converted and dequantised. */
  readonly shape: readonly number[]
  readonly elementType: number
  readonly integers: readonly number[] | undefined
  /** Name of the tensor that holds it. */
  readonly tensor: string
}

/** Conversions between a stored tensor and what reads it: two or three in every export seen. */
const MOST_STEPS = 8

export function wiringOf(graph: FileGraph): Wiring {
  const producers = new Map<string, FileNode>()
  const readers = new Map<string, FileNode[]>()
  for (const node of graph.nodes) {
    for (const output of node.outputs) producers.set(output, node)
    if (node.operator === 'Shape') continue
    for (const input of new Set(node.inputs)) {
      const known = readers.get(input)
      if (known === undefined) readers.set(input, [node])
      else known.push(node)
    }
  }
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  const nodes = Array.from(sortedNodes(graph), (index) => graph.nodes[index]!)
  return {
    graph,
    nodes,
    producer: (value) => (value === '' ? undefined : producers.get(value)),
    readers: (value) => readers.get(value) ?? [],
    constant: (value) => constantOf(value, { tensors, producers }, MOST_STEPS),
  }
}

interface Sources {
  readonly tensors: ReadonlyMap<string, FileTensor>
  readonly producers: ReadonlyMap<string, FileNode>
}

function constantOf(value: string, sources: Sources, steps: number): Constant | undefined {
  const tensor = sources.tensors.get(value)
  if (tensor !== undefined) return ofTensor(tensor)
  const node = sources.producers.get(value)
  if (node === undefined || steps === 0) return undefined
  const input = () => constantOf(node.inputs[0] ?? '', sources, steps - 1)
  switch (`${node.domain}:${node.operator}`) {
    case ':Constant':
      return constantNode(node)
    case ':Identity':
      return input()
    case ':Cast':
      return withType(input(), intAttribute(node, 'to'))
    case ':Transpose':
      return transposed(input(), node)
    case ':DequantizeLinear':
    case 'com.microsoft:DequantizeLinear':
      return withType(input(), constantOf(node.inputs[1] ?? '', sources, steps - 1)?.elementType)
    default:
      return undefined
  }
}

function ofTensor({ name, shape, elementType, integers }: FileTensor): Constant {
  return { shape, elementType, integers, tensor: name }
}

function constantNode(node: FileNode): Constant | undefined {
  const attribute = node.attributes.get('value')
  if (attribute?.kind === 'tensor' && attribute.tensors.length === 1)
    return { ...ofTensor(attribute.tensors[0]!), tensor: nodeName(node) }
  const ints = node.attributes.get('value_ints')
  if (ints?.kind !== 'ints') return undefined
  return { shape: [ints.value.length], elementType: 7, integers: ints.value, tensor: nodeName(node) }
}

function withType(constant: Constant | undefined, elementType: number | undefined): Constant | undefined {
  return constant && elementType !== undefined ? { ...constant, elementType } : undefined
}

function transposed(constant: Constant | undefined, node: FileNode): Constant | undefined {
  const perm = node.attributes.get('perm')
  if (constant === undefined || constant.shape.length !== 2) return undefined
  if (perm !== undefined && (perm.kind !== 'ints' || String(perm.value) !== '1,0')) return undefined
  return { ...constant, shape: constant.shape.toReversed(), integers: undefined }
}

export function intAttribute({ attributes }: FileNode, name: string): number | undefined {
  const attribute = attributes.get(name)
  return attribute?.kind === 'int' ? attribute.value : undefined
}

/** The name of a node, or that of what it computes: many writers give no names. */
export function nodeName({ name, outputs }: FileNode): string {
  return name !== '' ? name : (outputs.find((output) => output !== '') ?? '')
}
