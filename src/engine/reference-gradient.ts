/**
 * @file The gradient of a Llama in plain TypeScript, written by hand and in double precision: the oracle of `train`. Every
 * part of the model is one function that computes forward and gives, beside it, the way back. Matrices are row-major
 * `[tokens, width]`, one sequence at a time; g(x) in a comment is the derivative of the loss by x.
 *
 *     h = embedding[tokens]
 *     per layer:  h += W_o attention(rmsNorm(h)),   h += ffn(rmsNorm(h))
 *     log p of token i = logSoftmax(W_out rmsNorm(h))[i - 1, token i]
 */
import { PalignError } from '../errors.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import { inverseFrequencies } from '../graph/rope.ts'
import { EMBEDDING, FINAL_NORM, layerPrefix, OUTPUT } from '../graph/weights.ts'
import type { Tokens } from '../model/language-model.ts'
import { addOuter, addTo, dot, type Floats, row, rows, sum, times, timesTransposed } from './reference-matrix.ts'

export interface ReferenceParameters {
  readonly config: LlamaConfig
  /** Tensors by Hugging Face name, row-major; linear layers are `[out, in]`. */
  readonly weights: ReadonlyMap<string, Floats>
  /** What is added to linear layers, as `Adapter` in model/adapter.ts; its numbers may be doubles. */
  readonly adapter?: ReferenceAdapter | undefined
}

export interface ReferenceAdapter {
  readonly rank: number
  readonly alpha: number
  /** By module name. */
  readonly pairs: ReadonlyMap<string, { readonly a: Floats; readonly b: Floats }>
}

/** A loss of the log-probabilities of rows of tokens (entry i of a row: of token i given those before it; entry 0 is 0). */
export type Objective = (logProbabilities: readonly Float64Array[]) => {
  readonly loss: number
  /** Derivative of the loss by each log-probability. */
  readonly slopes: readonly Float64Array[]
}

export interface WeightedRow {
  readonly tokens: Tokens
  /** One per token, for predicting it from those before it; the first is ignored. */
  readonly weights: ArrayLike<number>
}

export interface ReferenceGradient {
  readonly loss: number
  /** Same names and lengths as the weights. */
  readonly gradients: ReadonlyMap<string, Float64Array>
  /** Same names and lengths as the adapter's pairs. */
  readonly adapterGradients: ReadonlyMap<string, { readonly a: Float64Array; readonly b: Float64Array }>
}

/** Mean over weighted tokens of -log p: sum of w_i (-log p_i) / sum of w_i, over all rows; nats. */
export function likelihoodObjective(rows: readonly WeightedRow[]): Objective {
  const used = rows.map(({ tokens, weights }) => Float64Array.from(tokens, (_, i) => (i === 0 ? 0 : weights[i]!)))
  const total = used.flatMap((weights) => [...weights]).reduce((sum, weight) => sum + weight, 0)
  return (logProbabilities) => ({
    loss: logProbabilities.reduce((loss, row, r) => loss - dot(row, used[r]!), 0) / total,
    slopes: used.map((weights) => weights.map((weight) => -weight / total)),
  })
}

/** Log-probabilities of every token given those before it, nats: one array per row. */
export function referenceLogProbabilities(parameters: ReferenceParameters, rows: readonly Tokens[]): Float64Array[] {
  const model = openModel(parameters)
  return rows.map((tokens) => sequence(model, tokens).out)
}

/** Loss and its gradient by every weight and, with an adapter, by every A and B. */
export function referenceGradient(
  parameters: ReferenceParameters,
  rows: readonly Tokens[],
  objective: Objective,
): ReferenceGradient {
  const model = openModel(parameters)
  const parts = rows.map((tokens) => sequence(model, tokens))
  const { loss, slopes } = objective(parts.map(({ out }) => out))
  parts.forEach(({ backward }, row) => {
    backward(slopes[row]!)
  })
  return { loss, gradients: model.gradients, adapterGradients: model.adapterGradients }
}

/** Parameters, with places of the same size where their gradients are summed. */
interface Model extends ReferenceParameters {
  readonly gradients: ReadonlyMap<string, Float64Array>
  readonly adapterGradients: ReadonlyMap<string, { readonly a: Float64Array; readonly b: Float64Array }>
}

/** What a part computed and its way back: from g(out) to g(input). Gradients of parameters are added on the way. */
interface Part {
  readonly out: Float64Array
  readonly backward: (slope: Float64Array) => Float64Array
}

function openModel({ config, weights, adapter }: ReferenceParameters): Model {
  const zeros = ({ length }: Floats) => new Float64Array(length)
  for (const name of adapter?.pairs.keys() ?? []) {
    if (!weights.has(`${name}.weight`)) throw new PalignError('invalid-input', `adapter changes ${name}, which the model has not`)
  }
  return {
    config,
    weights,
    adapter,
    gradients: new Map([...weights].map(([name, values]) => [name, zeros(values)])),
    adapterGradients: new Map([...(adapter?.pairs ?? [])].map(([name, { a, b }]) => [name, { a: zeros(a), b: zeros(b) }])),
  }
}

/** Tokens -> log-probability of each. */
function sequence(model: Model, tokens: Tokens): Part {
  const { layers, tiedEmbeddings } = model.config
  const parts = [embedding(model, tokens)]
  const then = (part: (input: Float64Array) => Part) => parts.push(part(parts.at(-1)!.out))
  for (let layer = 0; layer < layers; layer++) {
    const prefix = layerPrefix(layer)
    then((hidden) => residual(hidden, (x) => normed(model, `${prefix}.input_layernorm.weight`, x, attentionBlock(model, prefix))))
    then((hidden) =>
      residual(hidden, (x) => normed(model, `${prefix}.post_attention_layernorm.weight`, x, feedForward(model, prefix))),
    )
  }
  then((hidden) => rmsNorm(model, FINAL_NORM, hidden))
  then((hidden) => product(model, tiedEmbeddings ? EMBEDDING : OUTPUT, hidden))
  then((logits) => labelLogProbabilities(logits, tokens))
  return {
    out: parts.at(-1)!.out,
    backward: (slope) => parts.reduceRight((gradient, { backward }) => backward(gradient), slope),
  }
}

/** out[i] = E[token i];   g(E)[token i] += g(out)[i]. */
function embedding({ config, weights, gradients }: Model, tokens: Tokens): Part {
  const { hiddenSize } = config
  const out = new Float64Array(tokens.length * hiddenSize)
  Array.from(tokens).forEach((token, i) => {
    addTo(row(out, i, hiddenSize), row(weights.get(EMBEDDING)!, token, hiddenSize))
  })
  return {
    out,
    backward(slope) {
      Array.from(tokens).forEach((token, i) => {
        addTo(row(gradients.get(EMBEDDING)!, token, hiddenSize), row(slope, i, hiddenSize))
      })
      return new Float64Array()
    },
  }
}

/** out = x + f(x);   g(x) = g(out) + f's way back. */
function residual(x: Float64Array, block: (x: Float64Array) => Part): Part {
  const { out, backward } = block(x)
  return { out: sum(x, out), backward: (slope) => sum(slope, backward(slope)) }
}

/** out = f(rmsNorm(x)). */
function normed(model: Model, name: string, x: Float64Array, block: (x: Float64Array) => Part): Part {
  const norm = rmsNorm(model, name, x)
  const { out, backward } = block(norm.out)
  return { out, backward: (slope) => norm.backward(backward(slope)) }
}

/**
 * With u = x / sqrt(mean(x^2) + epsilon), by row:   out = w u
 * g(w) += g(out) u,   g(x) = (w g(out) - u mean(w g(out) u)) / sqrt(mean(x^2) + epsilon)
 */
function rmsNorm({ config, weights, gradients }: Model, name: string, x: Float64Array, width = config.hiddenSize): Part {
  const { normEpsilon } = config
  const gain = weights.get(name)!
  const inverse = rows(x, width).map((values) => 1 / Math.sqrt(dot(values, values) / width + normEpsilon))
  const unit = x.map((value, i) => value * inverse[Math.floor(i / width)]!)
  return {
    out: unit.map((value, i) => value * gain[i % width]!),
    backward(slope) {
      const gradient = gradients.get(name)!
      slope.forEach((g, i) => {
        gradient[i % width]! += g * unit[i]!
      })
      const scaled = slope.map((g, i) => g * gain[i % width]!)
      const means = inverse.map((_, i) => dot(row(scaled, i, width), row(unit, i, width)) / width)
      return scaled.map((g, i) => {
        const r = Math.floor(i / width)
        return inverse[r]! * (g - unit[i]! * means[r]!)
      })
    },
  }
}

/** out = x W^T;   g(x) = g(out) W,   g(W) += g(out)^T x. */
function product({ config, weights, gradients }: Model, name: string, x: Float64Array, width = config.hiddenSize): Part {
  const weight = weights.get(name)!
  return {
    out: timesTransposed(x, weight, width),
    backward(slope) {
      addOuter(gradients.get(name)!, slope, x, width)
      return times(slope, weight, width)
    },
  }
}

/**
 * A linear layer with what an adapter adds, s = alpha / rank:   out = x W^T + b + s (x A^T) B^T
 * g(b) += column sums of g(out),   g(B) += s g(out)^T (x A^T),   g(A) += (s g(out) B)^T x,   g(x) = g(out) W + (s g(out) B) A
 */
function linear(model: Model, name: string, x: Float64Array, width: number): Part {
  const base = product(model, `${name}.weight`, x, width)
  const bias = model.weights.get(`${name}.bias`)
  const pair = model.adapter?.pairs.get(name)
  const out = bias === undefined ? base.out : base.out.map((value, i) => value + bias[i % bias.length]!)
  const biased = {
    out,
    backward(slope: Float64Array) {
      if (bias !== undefined) for (const g of rows(slope, bias.length)) addTo(model.gradients.get(`${name}.bias`)!, g)
      return base.backward(slope)
    },
  }
  if (model.adapter === undefined || pair === undefined) return biased
  const { rank, alpha } = model.adapter
  const low = timesTransposed(x, pair.a, width)
  const scaled = (values: Float64Array) => values.map((value) => (alpha / rank) * value)
  return {
    out: sum(out, scaled(timesTransposed(low, pair.b, rank))),
    backward(slope) {
      const { a, b } = model.adapterGradients.get(name)!
      const lowSlope = times(scaled(slope), pair.b, rank)
      addOuter(b, scaled(slope), low, rank)
      addOuter(a, lowSlope, x, width)
      return sum(biased.backward(slope), times(lowSlope, pair.a, width))
    },
  }
}

/** Each head normed by itself, where the model does that. */
function headNorm(model: Model, name: string, projected: Part): Part {
  if (!model.config.headNorm) return projected
  const { out, backward } = rmsNorm(model, `${name}.weight`, projected.out, model.config.headDim)
  return { out, backward: (slope) => projected.backward(backward(slope)) }
}

/** out = W_o attention(rotate(W_q x), rotate(W_k x), W_v x), with q and k normed by head where the model does that. */
function attentionBlock(model: Model, prefix: string) {
  return (x: Float64Array): Part => {
    const { heads, headDim, hiddenSize } = model.config
    const project = (name: string) => linear(model, `${prefix}.self_attn.${name}`, x, hiddenSize)
    const value = project('v_proj')
    const [query, key] = [
      headNorm(model, `${prefix}.self_attn.q_norm`, project('q_proj')),
      headNorm(model, `${prefix}.self_attn.k_norm`, project('k_proj')),
    ]
    const [turnedQuery, turnedKey] = [rotate(model.config, query.out, heads), rotate(model.config, key.out, model.config.kvHeads)]
    const mixed = attention(model.config, turnedQuery.out, turnedKey.out, value.out)
    const { out, backward } = linear(model, `${prefix}.self_attn.o_proj`, mixed.out, heads * headDim)
    return {
      out,
      backward(slope) {
        const slopes = mixed.backward(backward(slope))
        const fromQuery = query.backward(turnedQuery.backward(slopes.query))
        const fromKey = key.backward(turnedKey.backward(slopes.key))
        return sum(sum(fromQuery, fromKey), value.backward(slopes.value))
      },
    }
  }
}

/** Turns the pair (i, i + headDim / 2) of every head by position * frequency; the way back turns by as much the other way. */
function rotate({ rope, headDim }: LlamaConfig, x: Float64Array, heads: number): Part {
  const frequencies = inverseFrequencies(rope, headDim)
  const half = headDim / 2
  const turned = (values: Float64Array, direction: 1 | -1) => {
    const out = new Float64Array(values.length)
    for (let at = 0; at < values.length; at += headDim) {
      const position = Math.floor(at / (heads * headDim))
      frequencies.forEach((frequency, i) => {
        const [cos, sin] = [Math.cos(position * frequency), direction * Math.sin(position * frequency)]
        const [a, b] = [values[at + i]!, values[at + i + half]!]
        out[at + i] = a * cos - b * sin
        out[at + i + half] = b * cos + a * sin
      })
    }
    return out
  }
  return { out: turned(x, 1), backward: (slope) => turned(slope, -1) }
}

/**
 * Head by head, for token i and every token j it sees; head h reads key/value head floor(h / group):
 *     s_ij = q_i . k_j / sqrt(headDim),   p_i = softmax(s_i),   z_i = sum_j p_ij v_j
 *     g(v_j) += p_ij g(z_i),   g(p_ij) = g(z_i) . v_j,   g(s_ij) = p_ij (g(p_ij) - sum_k p_ik g(p_ik))
 *     g(q_i) += g(s_ij) k_j / sqrt(headDim),   g(k_j) += g(s_ij) q_i / sqrt(headDim)
 */
function attention(config: LlamaConfig, query: Float64Array, key: Float64Array, value: Float64Array) {
  const { heads, kvHeads, headDim, slidingWindow = Number.POSITIVE_INFINITY } = config
  const scale = 1 / Math.sqrt(headDim)
  // Part of token i and (key/value) head h in a matrix of heads: a view.
  const own = (matrix: Float64Array, i: number, head: number) => row(matrix, i * heads + head, headDim)
  const shared = (matrix: Float64Array, i: number, head: number) =>
    row(matrix, i * kvHeads + Math.floor((head * kvHeads) / heads), headDim)
  const out = new Float64Array(query.length)
  /** One for every token and head: the first token it sees, and p. */
  const mixes: { readonly i: number; readonly head: number; readonly first: number; readonly p: Float64Array }[] = []
  for (let i = 0; i < query.length / (heads * headDim); i++) {
    const first = Math.max(0, i + 1 - slidingWindow)
    for (let head = 0; head < heads; head++) {
      const p = softmax(
        Float64Array.from({ length: i + 1 - first }, (_, k) => scale * dot(own(query, i, head), shared(key, first + k, head))),
      )
      p.forEach((share, k) => {
        addTo(own(out, i, head), shared(value, first + k, head), share)
      })
      mixes.push({ i, head, first, p })
    }
  }
  return {
    out,
    backward(slope: Float64Array) {
      const slopes = {
        query: new Float64Array(query.length),
        key: new Float64Array(key.length),
        value: new Float64Array(value.length),
      }
      for (const { i, head, first, p } of mixes) {
        const mixSlope = own(slope, i, head)
        const shareSlopes = p.map((_, k) => dot(mixSlope, shared(value, first + k, head)))
        const mean = dot(p, shareSlopes)
        p.forEach((share, k) => {
          const scoreSlope = scale * share * (shareSlopes[k]! - mean)
          addTo(shared(slopes.value, first + k, head), mixSlope, share)
          addTo(own(slopes.query, i, head), shared(key, first + k, head), scoreSlope)
          addTo(shared(slopes.key, first + k, head), own(query, i, head), scoreSlope)
        })
      }
      return slopes
    },
  }
}

/**
 * out = W_down (silu(a) u), a = W_gate x, u = W_up x, silu(a) = a sigmoid(a)
 * g(a) = g(inner) u sigmoid(a) (1 + a (1 - sigmoid(a))),   g(u) = g(inner) silu(a)
 */
function feedForward(model: Model, prefix: string) {
  return (x: Float64Array): Part => {
    const { hiddenSize, ffnSize } = model.config
    const gate = linear(model, `${prefix}.mlp.gate_proj`, x, hiddenSize)
    const up = linear(model, `${prefix}.mlp.up_proj`, x, hiddenSize)
    const sigmoid = gate.out.map((a) => 1 / (1 + Math.exp(-a)))
    const silu = gate.out.map((a, i) => a * sigmoid[i]!)
    const down = linear(
      model,
      `${prefix}.mlp.down_proj`,
      silu.map((value, i) => value * up.out[i]!),
      ffnSize,
    )
    return {
      out: down.out,
      backward(slope) {
        const inner = down.backward(slope)
        const gateSlope = inner.map((g, i) => g * up.out[i]! * sigmoid[i]! * (1 + gate.out[i]! * (1 - sigmoid[i]!)))
        const upSlope = inner.map((g, i) => g * silu[i]!)
        return sum(gate.backward(gateSlope), up.backward(upSlope))
      },
    }
  }
}

/** out[i] = logits[i - 1][token i] - log(sum(exp(logits[i - 1])));   g(logits[i - 1]) = g(out)[i] (one at token i - softmax). */
function labelLogProbabilities(logits: Float64Array, tokens: Tokens): Part {
  const width = logits.length / tokens.length
  const shares = rows(logits, width).map(softmax)
  const out = Float64Array.from(tokens, (token, i) => {
    if (i === 0) return 0
    const values = row(logits, i - 1, width)
    const most = values.reduce((a, b) => Math.max(a, b))
    return values[token]! - most - Math.log(values.reduce((total, value) => total + Math.exp(value - most), 0))
  })
  return {
    out,
    backward(slope) {
      const gradient = new Float64Array(logits.length)
      Array.from(tokens).forEach((token, i) => {
        if (i === 0) return
        addTo(row(gradient, i - 1, width), shares[i - 1]!, -slope[i]!)
        gradient[(i - 1) * width + token]! += slope[i]!
      })
      return gradient
    },
  }
}

function softmax(scores: Float64Array): Float64Array {
  const most = scores.reduce((a, b) => Math.max(a, b))
  const powers = scores.map((score) => Math.exp(score - most))
  const total = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / total)
}
