/**
 * @file A low-rank adapter (LoRA, Hu et al. 2021, arXiv 2106.09685): every linear layer it names computes
 * x W^T + (alpha / rank) (x A^T) B^T. Scale 0, or B = 0, is exactly the base model.
 */
import { PalignError } from '../errors.ts'

/** The linear layers of a Llama layer, by the last part of their tensors' names. */
export const LINEAR_LAYERS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const
export type LinearLayer = (typeof LINEAR_LAYERS)[number]

export interface AdapterConfig {
  readonly rank: number
  /** The update is multiplied by alpha / rank. */
  readonly alpha: number
  readonly targets: readonly LinearLayer[]
}

/** Row-major, as PEFT stores them. */
export interface LowRankPair {
  /** `[rank, in]` */
  readonly a: Float32Array
  /** `[out, rank]` */
  readonly b: Float32Array
}

export interface Adapter extends AdapterConfig {
  /** One pair for each adapted linear layer, by module name: `model.layers.0.self_attn.q_proj`. */
  readonly pairs: ReadonlyMap<string, LowRankPair>
}

/** The sizes of every linear layer that can be adapted, by module name. */
export type LinearModules = ReadonlyMap<string, { readonly in: number; readonly out: number }>

/** What the update is multiplied by. */
export function adapterScale({ alpha, rank }: Pick<AdapterConfig, 'alpha' | 'rank'>): number {
  return alpha / rank
}

/** The layer a module is, by the last part of its name; undefined where it is none that can be adapted. */
export function linearLayerOf(module: string): LinearLayer | undefined {
  const last = module.slice(module.lastIndexOf('.') + 1)
  return LINEAR_LAYERS.find((layer) => layer === last)
}

/** The targets, each once and in the order of `LINEAR_LAYERS`: equal sets give equal lists. */
export function orderedTargets(targets: readonly LinearLayer[]): readonly LinearLayer[] {
  return LINEAR_LAYERS.filter((layer) => targets.includes(layer))
}

/** The modules that targets name, in the order of the layers. */
export function adaptedModules(modules: LinearModules, targets: readonly LinearLayer[]): string[] {
  return [...modules.keys()].filter((module) => targets.includes(linearLayerOf(module) as LinearLayer))
}

/** Throws `incompatible-persona` for a rank or targets that make no adapter, `non-finite` for an alpha that is none. */
export function assertAdapterConfig({ rank, alpha, targets }: AdapterConfig): void {
  if (!Number.isInteger(rank) || rank < 1) throw unfit(`adapter has rank ${rank}, expected a whole number of at least 1`)
  if (!Number.isFinite(alpha)) throw new PalignError('non-finite', `adapter has alpha ${alpha}, expected a finite number`)
  const unknown = targets.find((target) => !LINEAR_LAYERS.includes(target))
  if (unknown !== undefined) throw unfit(`adapter target ${unknown} is unknown, known are ${LINEAR_LAYERS.join(', ')}`)
  if (targets.length === 0) throw unfit('adapter has no targets, expected at least one')
}

/**
 * Throws `incompatible-persona` unless the adapter has one pair of fitting shape for exactly those modules of the model that its
 * targets name, and `non-finite` for NaN or infinity: a wrong one must never be applied, nor silently dropped.
 */
export function assertAdapter(adapter: Adapter, modules: LinearModules): void {
  const { rank, targets, pairs } = adapter
  assertAdapterConfig(adapter)
  const expected = adaptedModules(modules, targets)
  const missing = expected.find((module) => !pairs.has(module))
  if (missing !== undefined) throw unfit(`adapter has no tensors for ${missing}, which its targets name`)
  for (const [module, pair] of pairs) {
    const size = expected.includes(module) ? modules.get(module) : undefined
    if (size === undefined) throw unfit(`adapter module ${module.slice(0, 200)} is none that its targets name in this model`)
    const [a, b] = [rank * size.in, size.out * rank]
    if (pair.a.length !== a || pair.b.length !== b) {
      throw unfit(
        `adapter of ${module} has ${pair.a.length} and ${pair.b.length} numbers, the model needs ${a} and ${b} (rank ${rank}, ${size.in} -> ${size.out})`,
      )
    }
    if (!pair.a.every(Number.isFinite) || !pair.b.every(Number.isFinite)) {
      throw new PalignError('non-finite', `adapter of ${module} contains NaN or infinity`, {
        hint: 'its training diverged, or the file is damaged',
      })
    }
  }
}

function unfit(message: string): PalignError {
  return new PalignError('incompatible-persona', message, { hint: 'train an adapter on this model' })
}
