/**
 * @file Binary logistic regression with an L2 penalty on the weights and a free intercept: the minimum of
 *
 *     loss(w, b) = sum_i log(1 + exp(-s_i (w . x_i + b))) + |w|^2 / (2c),   s_i = +1 for label 1, -1 for label 0,
 *
 * which is strictly convex in w. Newton's method; each step solves H p = -gradient by conjugate gradients, only as exactly as the
 * distance to the minimum deserves (Nocedal and Wright, Numerical Optimization, algorithm 7.1). Where plain conjugate gradients are
 * slow, the Cholesky factor of the current Hessian becomes their preconditioner, for this and the later steps.
 * Columns are centred first: the intercept absorbs the shift, w stays as it is, and the largest eigenvalue of the Hessian goes away.
 */
import { PalignError } from '../errors.ts'
import {
  addScaled,
  cholesky,
  choleskySolve,
  dot,
  multiply,
  multiplyTransposed,
  norm,
  type PaddedMatrix,
  paddedMatrix,
  weightedGram,
} from './linear-algebra.ts'

/** The gradient norm, in the coordinates of the caller, below which a fit counts as the minimum. */
const GRADIENT_TOLERANCE = 1e-6
const MAX_NEWTON_STEPS = 100
/** Share of the gradient that a Newton step may leave, at most; less and less towards the minimum. */
const SLACK = 0.25
/** Conjugate gradient steps before the Hessian is factored, which costs about 30 of them and saves more. */
const PATIENCE = 6
const MAX_HALVINGS = 40

export interface LogisticFit {
  /** `[columns]`, in the units of the rows as given. */
  readonly weights: Float64Array
  readonly intercept: number
  /** The penalised loss, in nats. */
  readonly loss: number
  /** Euclidean norm of the gradient of the loss with respect to weights and intercept; below 1e-6. */
  readonly gradientNorm: number
  /** Newton steps taken. */
  readonly iterations: number
}

/** Buffers for fits of one size, to be reused from head to head. What they hold between fits means nothing. */
export interface LogisticWorkspace {
  readonly samples: number
  readonly columns: number
  /** Centred columns, then a column of ones for the intercept. */
  readonly design: PaddedMatrix
  readonly means: Float64Array
  /** 0 or 1, per sample. */
  readonly labels: Float64Array
  /** w . x + b, per sample. */
  readonly margins: Float64Array
  /** What the Newton step adds to the margins. */
  readonly marginStep: Float64Array
  /** Probability of label 1, less the label. */
  readonly residuals: Float64Array
  /** Second derivative of the loss of one sample. */
  readonly curvatures: Float64Array
  readonly image: Float64Array
  readonly weightedImage: Float64Array
  /** Weights, intercept, padding. So are the vectors that follow. */
  readonly weights: Float64Array
  readonly gradient: Float64Array
  readonly step: Float64Array
  readonly remainder: Float64Array
  readonly preconditioned: Float64Array
  readonly search: Float64Array
  readonly searchImage: Float64Array
  /** Cholesky factor of a Hessian, `[design.columns, design.columns]`. */
  readonly factor: Float64Array
}

export function logisticWorkspace(samples: number, columns: number): LogisticWorkspace {
  const design = paddedMatrix(samples, columns + 1)
  const perSample = () => new Float64Array(design.rows)
  const perColumn = () => new Float64Array(design.columns)
  return {
    samples,
    columns,
    design,
    means: new Float64Array(columns),
    labels: perSample(),
    margins: perSample(),
    marginStep: perSample(),
    residuals: perSample(),
    curvatures: perSample(),
    image: perSample(),
    weightedImage: perSample(),
    weights: perColumn(),
    gradient: perColumn(),
    step: perColumn(),
    remainder: perColumn(),
    preconditioned: perColumn(),
    search: perColumn(),
    searchImage: perColumn(),
    factor: new Float64Array(design.columns ** 2),
  }
}

export interface LogisticOptions {
  /** `[samples, columns]`, row-major. */
  readonly rows: Float32Array | Float64Array
  /** 0 or 1 for each row; both must occur. */
  readonly labels: ArrayLike<number>
  /** Inverse strength of the penalty; default 1. */
  readonly c?: number | undefined
  /** Buffers of exactly this size, from `logisticWorkspace`; made anew when absent. */
  readonly workspace?: LogisticWorkspace | undefined
}

/**
 * Fits to a gradient norm below 1e-6.
 * @throws PalignError `invalid-input` for sizes that do not fit, labels other than 0 and 1, a single class, or rows on a scale where
 * double precision does not reach that norm; `non-finite` for NaN or infinity in the rows.
 */
export function fitLogistic({ rows, labels, c = 1, workspace }: LogisticOptions): LogisticFit {
  const columns = columnsOf(rows, labels)
  if (!(c > 0 && c < Infinity)) throw new PalignError('invalid-input', `c is ${c}, expected a positive number`)
  const space = workspace ?? logisticWorkspace(labels.length, columns)
  if (space.samples !== labels.length || space.columns !== columns) {
    throw new PalignError(
      'invalid-input',
      `workspace is for ${space.samples} x ${space.columns} numbers, the rows are ${labels.length} x ${columns}`,
    )
  }
  loadLabels(space, labels)
  loadRows(space, rows)
  space.weights.fill(0)

  let factored = false
  for (let iterations = 0; iterations < MAX_NEWTON_STEPS; iterations++) {
    const loss = evaluate(space, 1 / c)
    const gradientNorm = originalGradientNorm(space)
    if (gradientNorm < GRADIENT_TOLERANCE) return { ...originalCoordinates(space), loss, gradientNorm, iterations }
    factored = findNewtonStep(space, 1 / c, factored)
    const length = stepLength(space, 1 / c, loss)
    if (length === 0) break
    addScaled(space.weights, length, space.step)
  }
  throw new PalignError(
    'invalid-input',
    `logistic regression stopped at a gradient norm of ${originalGradientNorm(space)}, expected below ${GRADIENT_TOLERANCE}`,
    { hint: 'bring the columns of the rows to a scale near 1' },
  )
}

function columnsOf(rows: Float32Array | Float64Array, labels: ArrayLike<number>): number {
  const columns = rows.length / labels.length
  if (labels.length > 0 && columns >= 1 && Number.isInteger(columns)) return columns
  throw new PalignError('invalid-input', `rows hold ${rows.length} numbers for ${labels.length} labels, expected a multiple`)
}

function loadLabels(space: LogisticWorkspace, labels: ArrayLike<number>): void {
  let ones = 0
  for (let i = 0; i < space.samples; i++) {
    const label = labels[i]!
    if (label !== 0 && label !== 1) throw new PalignError('invalid-input', `label ${i} is ${label}, expected 0 or 1`)
    space.labels[i] = label
    ones += label
  }
  if (ones === 0 || ones === space.samples) {
    throw new PalignError('invalid-input', `labels are all ${labels[0]}, expected both 0 and 1`)
  }
}

/** Centred columns; the sums that give the means also reveal NaN and infinity. */
function loadRows(space: LogisticWorkspace, rows: Float32Array | Float64Array): void {
  const { samples, columns, means, design } = space
  means.fill(0)
  for (let i = 0; i < samples; i++) {
    for (let j = 0; j < columns; j++) means[j]! += rows[i * columns + j]!
  }
  for (let j = 0; j < columns; j++) {
    if (!Number.isFinite(means[j])) throw new PalignError('non-finite', `column ${j} of the rows contains NaN or infinity`)
    means[j]! /= samples
  }
  for (let i = 0; i < samples; i++) {
    const row = i * design.columns
    for (let j = 0; j < columns; j++) design.values[row + j] = rows[i * columns + j]! - means[j]!
    design.values[row + columns] = 1
  }
}

/** log(1 + exp(x)), without overflow or cancellation on either side: the loss of a sample that is wrong by a margin of x. */
export function softplus(x: number): number {
  return Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)))
}

/** Margins, residuals, curvatures and gradient at the present weights; returns the loss. */
function evaluate(space: LogisticWorkspace, penalty: number): number {
  const { samples, columns, design, labels, margins, residuals, curvatures, weights, gradient } = space
  multiply(design, weights, margins)
  let loss = 0
  for (let i = 0; i < samples; i++) {
    const margin = margins[i]!
    const label = labels[i]!
    const decay = Math.exp(-Math.abs(margin))
    const larger = 1 / (1 + decay)
    const probability = margin >= 0 ? larger : decay * larger
    residuals[i] = probability - label
    curvatures[i] = decay * larger * larger
    loss += Math.max(0, label === 1 ? -margin : margin) + Math.log1p(decay)
  }
  multiplyTransposed(design, residuals, gradient)
  for (let j = 0; j < columns; j++) {
    const weight = weights[j]!
    gradient[j]! += penalty * weight
    loss += 0.5 * penalty * weight * weight
  }
  return loss
}

/** The gradient with respect to uncentred weights has the means times the intercept's gradient in it. */
function originalGradientNorm({ columns, means, gradient }: LogisticWorkspace): number {
  const atIntercept = gradient[columns]!
  let sum = atIntercept * atIntercept
  for (let j = 0; j < columns; j++) sum += (gradient[j]! + means[j]! * atIntercept) ** 2
  return Math.sqrt(sum)
}

function originalCoordinates({ columns, means, weights: centred }: LogisticWorkspace) {
  const weights = centred.slice(0, columns)
  return { weights, intercept: centred[columns]! - dot(means, weights) }
}

/** out = H v, with image = X v on the way. */
function multiplyHessian(space: LogisticWorkspace, penalty: number, v: Float64Array, out: Float64Array): void {
  const { samples, columns, design, curvatures, image, weightedImage } = space
  multiply(design, v, image)
  for (let i = 0; i < samples; i++) weightedImage[i] = curvatures[i]! * image[i]!
  multiplyTransposed(design, weightedImage, out)
  for (let j = 0; j < columns; j++) out[j]! += penalty * v[j]!
}

function factorHessian({ columns, design, curvatures, factor }: LogisticWorkspace, penalty: number): void {
  weightedGram(design, curvatures, factor)
  for (let j = 0; j < design.columns; j++) {
    const added = j < columns ? penalty : j === columns ? 0 : 1
    factor[j * design.columns + j]! += added
  }
  cholesky(factor, design.columns)
}

/** Solves H step = -gradient roughly. Takes and returns whether `factor` holds the Cholesky factor of a Hessian of this fit. */
function findNewtonStep(space: LogisticWorkspace, penalty: number, factored: boolean): boolean {
  const { design, gradient, step, marginStep, remainder, preconditioned, search, searchImage, image, factor } = space
  const precondition = () => {
    if (factored) choleskySolve(factor, design.columns, remainder, preconditioned)
    else preconditioned.set(remainder)
    return dot(remainder, preconditioned)
  }
  step.fill(0)
  marginStep.fill(0)
  remainder.fill(0)
  addScaled(remainder, -1, gradient)
  const gradientNorm = norm(gradient)
  const enough = Math.max(Math.min(SLACK, Math.sqrt(gradientNorm)) * gradientNorm, 0.1 * GRADIENT_TOLERANCE)

  let reduction = precondition()
  search.set(preconditioned)
  for (let count = 1; count <= 2 * PATIENCE; count++) {
    multiplyHessian(space, penalty, search, searchImage)
    const length = reduction / dot(search, searchImage)
    addScaled(step, length, search)
    addScaled(marginStep, length, image)
    addScaled(remainder, -length, searchImage)
    if (norm(remainder) <= enough) break
    if (count === PATIENCE) {
      factorHessian(space, penalty)
      factored = true
      reduction = precondition()
      search.set(preconditioned)
      continue
    }
    const next = precondition()
    const ratio = next / reduction
    for (let j = 0; j < search.length; j++) search[j] = preconditioned[j]! + ratio * search[j]!
    reduction = next
  }
  return factored
}

/** The largest of 1, 1/2, 1/4 ... that lowers the loss enough (Armijo's rule); 0 when none does. Needs no pass over the rows. */
function stepLength(space: LogisticWorkspace, penalty: number, loss: number): number {
  const slope = dot(space.gradient, space.step)
  // Close to the minimum the loss changes by less than its own rounding.
  const rounding = 1e-12 * loss
  let length = 1
  for (let halvings = 0; halvings < MAX_HALVINGS; halvings++) {
    if (lossAfter(space, penalty, length) <= loss + 1e-4 * length * slope + rounding) return length
    length /= 2
  }
  return 0
}

function lossAfter(space: LogisticWorkspace, penalty: number, length: number): number {
  const { samples, columns, labels, margins, marginStep, weights, step } = space
  let loss = 0
  for (let i = 0; i < samples; i++) {
    const margin = margins[i]! + length * marginStep[i]!
    loss += softplus(labels[i] === 1 ? -margin : margin)
  }
  let squares = 0
  for (let j = 0; j < columns; j++) squares += (weights[j]! + length * step[j]!) ** 2
  return loss + 0.5 * penalty * squares
}
