/** @file Reverse-mode differentiation: walks the steps of a graph backwards and adds the nodes that compute gradients. */
import type { ShapedGraph, StepKind, Tensor } from '../graph/shaped-graph.ts'
import { type Differentiate, VJPS, type Vjp } from './vjp.ts'

/**
 * Adds the gradients of a scalar `loss` with respect to `parameters`: one tensor of the parameter's shape each.
 * @throws RangeError where the loss does not depend on one of them
 */
export function gradients(graph: ShapedGraph, loss: Tensor, parameters: readonly Tensor[]): Tensor[] {
  const seed = graph.expand(graph.scalar(1), loss.shape)
  return differentiate(graph, graph.steps(), new Map([[loss.name, seed]]), parameters).map((gradient, i) => {
    const { name, shape } = parameters[i]!
    if (gradient === undefined) throw new RangeError(`loss does not depend on ${name}`)
    return graph.apart(() => graph.expand(gradient, shape)).result
  })
}

const differentiate: Differentiate = (graph, steps, known, sought) => {
  const needed = new Set(sought.map(({ name }) => name))
  for (const { inputs, outputs } of steps) {
    if (inputs.some(({ name }) => needed.has(name))) for (const { name } of outputs) needed.add(name)
  }
  const found = new Map(known)
  // Gradients leave no steps: nothing here is differentiated twice.
  graph.apart(() => {
    for (const step of steps.toReversed()) {
      const upstream = step.outputs.map(({ name }) => found.get(name))
      if (upstream.every((gradient) => gradient === undefined)) continue
      const wanted = step.inputs.map(({ name }) => needed.has(name))
      if (!wanted.some(Boolean)) continue
      const vjp = VJPS[step.kind] as Vjp<StepKind>
      vjp({ graph, step, upstream, wanted, differentiate }).forEach((gradient, i) => {
        if (gradient === undefined || !wanted[i]) return
        const { name } = step.inputs[i]!
        const sum = found.get(name)
        found.set(name, sum === undefined ? gradient : graph.pairwise('Add', sum, gradient))
      })
    }
  })
  return sought.map(({ name }) => found.get(name))
}
