/** @file Rules over a whole ONNX graph: one definition for every name, every input defined, no cycle, known operator domains, external data inside its files. */
import { PalignError } from '../errors.ts'
import { allGraphs, type FileGraph, type FileNode, type OnnxFile } from './onnx-file.ts'
import { refuseOnnx, shownName } from './onnx-message.ts'

/** ONNX itself, and the operators of ONNX Runtime. */
const DOMAINS: readonly string[] = ['', 'com.microsoft']

/** @throws PalignError `malformed-file`, `unsupported-model` */
export function checkGraph(graph: FileGraph, operatorSets: ReadonlyMap<string, number>): void {
  checkScope(graph, [])
  const imported = new Set([...operatorSets.keys()].map((domain) => (domain === 'ai.onnx' ? '' : domain)))
  for (const { nodes } of allGraphs(graph))
    for (const { domain } of nodes)
      if (!imported.has(domain)) refuseOnnx(`model uses operators of ${shownName(domain)} and does not say which version`)
}

/** Names by graph, from the outermost on: a graph may use those around it and not define them again. */
type Scopes = readonly ReadonlySet<string>[]

function checkScope(graph: FileGraph, outer: Scopes): void {
  const scopes = [...outer, definedNames(graph, outer)]
  for (const node of graph.nodes) {
    checkDomain(node)
    for (const input of node.inputs)
      if (input !== '' && !isDefined(input, scopes))
        refuseOnnx(`node ${shownName(node.name)} has the input ${shownName(input)}, which nothing defines`)
  }
  for (const { name } of graph.outputs)
    if (!isDefined(name, scopes)) refuseOnnx(`output ${shownName(name)} is defined by nothing`)
  sortedNodes(graph)
  for (const node of graph.nodes) for (const inner of innerGraphs(node)) checkScope(inner, scopes)
}

function isDefined(name: string, scopes: Scopes): boolean {
  return scopes.some((scope) => scope.has(name))
}

function checkDomain({ name, operator, domain }: FileNode): void {
  if (DOMAINS.includes(domain)) return
  throw new PalignError(
    'unsupported-model',
    `onnx node ${shownName(name)} has the operator ${shownName(operator)} of domain ${shownName(domain)}, supported are those of ai.onnx and com.microsoft`,
    { hint: 'export the model without operators of its own' },
  )
}

function definedNames(graph: FileGraph, outer: Scopes): Set<string> {
  const defined = new Set<string>()
  const define = (name: string) => {
    if (name === '' || defined.has(name) || isDefined(name, outer))
      refuseOnnx(`value ${shownName(name)} is defined twice, or has no name`)
    defined.add(name)
  }
  for (const { name } of graph.inputs) define(name)
  const inputs = new Set(defined)
  const tensors = new Set<string>()
  for (const { name } of graph.tensors) {
    if (tensors.has(name)) refuseOnnx(`initialiser ${shownName(name)} is there twice`)
    tensors.add(name)
    // An initialiser of an input's name is that input's default.
    if (!inputs.has(name)) define(name)
  }
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== '') define(output)
  return defined
}

function innerGraphs(node: FileNode): readonly FileGraph[] {
  return [...node.attributes.values()].flatMap((attribute) => (attribute.kind === 'graph' ? attribute.graphs : []))
}

/** Indices of the nodes, each after those whose outputs it takes. @throws PalignError `malformed-file` for a cycle */
export function sortedNodes({ nodes }: FileGraph): Int32Array {
  const producer = new Map<string, number>()
  for (const [index, { outputs }] of nodes.entries()) for (const output of outputs) producer.set(output, index)
  const waiting = new Int32Array(nodes.length)
  const followers = new Map<number, number[]>()
  for (const [index, node] of nodes.entries()) {
    for (const input of readNames(node)) {
      const from = producer.get(input)
      if (from === undefined || input === '') continue
      waiting[index]!++
      const known = followers.get(from)
      if (known === undefined) followers.set(from, [index])
      else known.push(index)
    }
  }
  const sorted = new Int32Array(nodes.length)
  let count = 0
  for (let i = 0; i < nodes.length; i++) if (waiting[i] === 0) sorted[count++] = i
  for (let i = 0; i < count; i++)
    for (const next of followers.get(sorted[i]!) ?? []) if (--waiting[next]! === 0) sorted[count++] = next
  if (count < nodes.length) refuseOnnx('graph has a cycle')
  return sorted
}

/** What a node takes: its inputs, and what the graphs inside it take from around them. */
function readNames(node: FileNode): readonly string[] {
  const inner = innerGraphs(node)
  return inner.length === 0
    ? node.inputs
    : [
        ...node.inputs,
        ...inner.flatMap(({ nodes, outputs }) => [...nodes.flatMap(readNames), ...outputs.map(({ name }) => name)]),
      ]
}

/** The other files that hold numbers of the model, each once. */
export function externalFiles({ graph }: OnnxFile): readonly string[] {
  return [...new Set(graph.tensors.flatMap(({ content }) => (content.kind === 'external' ? [content.file] : [])))]
}

/** @throws PalignError `malformed-file` where numbers lie beyond the end of their file */
export function checkExternalData({ graph }: OnnxFile, byteLengths: ReadonlyMap<string, number>): void {
  for (const { name, content } of graph.tensors) {
    if (content.kind !== 'external') continue
    const { file, offset, byteLength } = content
    const size = byteLengths.get(file) ?? 0
    if (offset + byteLength > size)
      refuseOnnx(`tensor ${shownName(name)} ends at byte ${offset + byteLength} of ${shownName(file)}, which has ${size}`)
  }
}
