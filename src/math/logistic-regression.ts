/**
 * @file Logistic regression, L2 on the weights, free intercept: min over w, b of sum log(1 + exp(-s (w.x + b))) + w.w / (2 c).
 * The optimum of scikit-learn's default (C = 1). Solved by Newton's method with conjugate gradients for the step.
 */
import { PalignError } from '../errors.ts'

export interface LogisticFit {
  readonly weights: Float64Array
  readonly intercept: number
  /** Value of the objective. */
  readonly loss: number
  /** Euclidean norm of its gradient, intercept included: below 1e-6. */
  readonly gradientNorm: number
}

export interface LogisticProblem {
  /** `[labels.length, columns]`, row by row; centred in place. */
  readonly rows: Float64Array
  /** 0 or 1, both present. */
  readonly labels: ArrayLike<number>
  readonly c?: number | undefined
}

const TOLERANCE = 5e-7
const MAX_NEWTON_STEPS = 100
/** Armijo: a step must bring at least this share of the decrease its slope promises. */
const SUFFICIENT_DECREASE = 1e-4

/**
 * Centring the columns changes neither the weights nor the loss, because the intercept is free, and removes the direction in which
 * activations are largest: their common mean.
 * @throws PalignError `invalid-input` for labels of one class, `non-finite` for NaN rows, `engine-failed` if it does not converge
 */
export function fitLogistic({ rows, labels, c = 1 }: LogisticProblem): LogisticFit {
  checkProblem(rows, labels)
  const d = rows.length / labels.length
  const means = centre(rows, labels.length, d)
  const objective = logisticObjective(rows, labels, 1 / c)
  // The intercept is the last of d + 1 parameters.
  const step = new Float64Array(d + 1)
  let here = objective.pointAt(new Float64Array(d + 1))
  for (let iteration = 0; iteration < MAX_NEWTON_STEPS; iteration++) {
    const gradientNorm = uncentredNorm(here.gradient, means)
    if (gradientNorm < TOLERANCE) {
      const weights = here.parameters.slice(0, d)
      return { weights, intercept: here.parameters[d]! - dot(weights, means), loss: here.loss, gradientNorm }
    }
    // Inexact far from the optimum, exact near it: keeps the convergence superlinear.
    const norm = Math.sqrt(dot(here.gradient, here.gradient))
    const tolerance = Math.min(0.3, Math.sqrt(norm)) * norm
    conjugateGradients(here, step, (v, product) => objective.hessianTimes(here, v, product), tolerance)
    here = lineSearch(objective, here, step)
  }
  throw new PalignError('engine-failed', `logistic regression did not converge in ${MAX_NEWTON_STEPS} steps`)
}

/** Norm of the gradient with respect to the parameters of the rows as given: the means meet the intercept's gradient there. */
function uncentredNorm(gradient: Float64Array, means: Float64Array): number {
  const ofIntercept = gradient[means.length]!
  let squares = ofIntercept ** 2
  for (let j = 0; j < means.length; j++) squares += (gradient[j]! + means[j]! * ofIntercept) ** 2
  return Math.sqrt(squares)
}

interface Point {
  readonly parameters: Float64Array
  readonly loss: number
  readonly gradient: Float64Array
  /** `[rows]`: p (1 - p). */
  readonly curvature: Float64Array
}

interface Objective {
  pointAt(parameters: Float64Array): Point
  hessianTimes(point: Point, v: Float64Array, product: Float64Array): void
}

function logisticObjective(rows: Float64Array, labels: ArrayLike<number>, penalty: number): Objective {
  const n = labels.length
  const d = rows.length / n
  return {
    pointAt(parameters) {
      const gradient = new Float64Array(d + 1)
      const curvature = new Float64Array(n)
      let loss = 0
      addRows(rows, n, parameters, gradient, (i, score) => {
        const sign = labels[i] === 1 ? 1 : -1
        const margin = sign * score
        const small = Math.exp(-Math.abs(margin))
        loss += Math.log1p(small) + (margin > 0 ? 0 : -margin)
        const wrong = (margin > 0 ? small : 1) / (1 + small)
        curvature[i] = wrong * (1 - wrong)
        return -sign * wrong
      })
      for (let j = 0; j < d; j++) {
        loss += 0.5 * penalty * parameters[j]! ** 2
        gradient[j]! += penalty * parameters[j]!
      }
      return { parameters, loss, gradient, curvature }
    },
    hessianTimes({ curvature }, v, product) {
      for (let j = 0; j < d; j++) product[j] = penalty * v[j]!
      product[d] = 0
      addRows(rows, n, v, product, (i, score) => curvature[i]! * score)
    },
  }
}

/**
 * `target += sum over i of factor(i, score_i) (row_i, 1)` where `score_i = row_i . v + v[d]`: all that the gradient and the Hessian
 * need, in one pass. Four rows at a time: one load of v and of the target serves four rows. This is where the time goes.
 */
function addRows(
  rows: Float64Array,
  n: number,
  v: Float64Array,
  target: Float64Array,
  factor: (i: number, score: number) => number,
): void {
  const d = v.length - 1
  const intercept = v[d]!
  let i = 0
  for (; i + 3 < n; i += 4) {
    const r0 = i * d
    const r1 = r0 + d
    const r2 = r1 + d
    const r3 = r2 + d
    let s0 = intercept
    let s1 = intercept
    let s2 = intercept
    let s3 = intercept
    for (let j = 0; j < d; j++) {
      const x = v[j]!
      s0 += rows[r0 + j]! * x
      s1 += rows[r1 + j]! * x
      s2 += rows[r2 + j]! * x
      s3 += rows[r3 + j]! * x
    }
    const f0 = factor(i, s0)
    const f1 = factor(i + 1, s1)
    const f2 = factor(i + 2, s2)
    const f3 = factor(i + 3, s3)
    for (let j = 0; j < d; j++) {
      target[j]! += f0 * rows[r0 + j]! + f1 * rows[r1 + j]! + (f2 * rows[r2 + j]! + f3 * rows[r3 + j]!)
    }
    target[d]! += f0 + f1 + (f2 + f3)
  }
  for (; i < n; i++) {
    let score = intercept
    for (let j = 0; j < d; j++) score += rows[i * d + j]! * v[j]!
    const f = factor(i, score)
    for (let j = 0; j < d; j++) target[j]! += f * rows[i * d + j]!
    target[d]! += f
  }
}

/** Solves Hessian * step = -gradient until the residual is below `tolerance`. */
function conjugateGradients(
  { gradient }: Point,
  step: Float64Array,
  hessianTimes: (v: Float64Array, product: Float64Array) => void,
  tolerance: number,
): void {
  const size = step.length
  const residual = gradient.map((g) => -g)
  const direction = residual.slice()
  const product = new Float64Array(size)
  step.fill(0)
  let squares = dot(residual, residual)
  for (let k = 0; k < 2 * size && Math.sqrt(squares) > tolerance; k++) {
    hessianTimes(direction, product)
    const length = squares / dot(direction, product)
    for (let j = 0; j < size; j++) {
      step[j]! += length * direction[j]!
      residual[j]! -= length * product[j]!
    }
    const next = dot(residual, residual)
    for (let j = 0; j < size; j++) direction[j] = residual[j]! + (next / squares) * direction[j]!
    squares = next
  }
}

function lineSearch(objective: Objective, here: Point, step: Float64Array): Point {
  const slope = dot(here.gradient, step)
  for (let size = 1; size > 1e-10; size /= 2) {
    const next = objective.pointAt(here.parameters.map((p, j) => p + size * step[j]!))
    // Near the optimum the decrease drowns in rounding: a step that does not raise the loss is then good enough.
    if (next.loss <= here.loss + SUFFICIENT_DECREASE * size * slope + 1e-13 * Math.abs(here.loss)) return next
  }
  throw new PalignError('engine-failed', `logistic regression stalled at loss ${here.loss}`)
}

function checkProblem(rows: Float64Array, labels: ArrayLike<number>): void {
  let ones = 0
  for (let i = 0; i < labels.length; i++) ones += labels[i]!
  if (ones === 0 || ones === labels.length) {
    throw new PalignError('invalid-input', `logistic regression got ${labels.length} labels of one class`, {
      hint: 'both classes are needed',
    })
  }
  const strange = rows.findIndex((x) => !Number.isFinite(x))
  if (strange >= 0) {
    throw new PalignError(
      'non-finite',
      `logistic regression got NaN or infinity in row ${Math.floor((strange * labels.length) / rows.length)}`,
    )
  }
}

/** @returns the column means that were subtracted */
function centre(rows: Float64Array, n: number, d: number): Float64Array {
  const means = new Float64Array(d)
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) means[j]! += rows[i * d + j]! / n
  for (let i = 0; i < n; i++) for (let j = 0; j < d; j++) rows[i * d + j]! -= means[j]!
  return means
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!
  return sum
}
