/** @file The trainable tensors of an adapter: names, shapes, first values (LoRA, Hu et al. 2021), and the value head of PPO. */
import type { LlamaConfig } from '../graph/llama-config.ts'
import { linearModules } from '../graph/weights.ts'
import { seededRandom } from '../math/random.ts'
import { type Adapter, type AdapterConfig, adaptedModules, assertAdapterConfig, type LowRankPair } from '../model/adapter.ts'

export const VALUE_WEIGHT = 'value_head.weight'
export const VALUE_BIAS = 'value_head.bias'

export type Shapes = ReadonlyMap<string, readonly number[]>

export const pairNames = (module: string) => ({ a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` })

/** Sizes of an adapter's tensors. Throws as `assertAdapterConfig` for a rank or targets that make none. */
export function adapterShapes(config: LlamaConfig, adapter: AdapterConfig): Shapes {
  assertAdapterConfig(adapter)
  const modules = linearModules(config)
  return new Map(
    adaptedModules(modules, adapter.targets).flatMap((module) => {
      const { a, b } = pairNames(module)
      const { in: input, out } = modules.get(module)!
      return [
        [a, [adapter.rank, input]],
        [b, [out, adapter.rank]],
      ] as const
    }),
  )
}

export function valueHeadShapes({ hiddenSize }: LlamaConfig): Shapes {
  return new Map([
    [VALUE_WEIGHT, [1, hiddenSize]],
    [VALUE_BIAS, [1]],
  ])
}

const size = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)

/** A uniform within 1 / sqrt(in), as PEFT draws it; everything else 0, so that training starts at the base model. */
export function initialAdapter(shapes: Shapes, seed: number): Map<string, Float32Array> {
  const random = seededRandom(seed)
  return new Map(
    [...shapes].map(([name, shape]) => {
      const bound = name.endsWith('.lora_A.weight') ? 1 / Math.sqrt(shape[1]!) : 0
      return [name, Float32Array.from({ length: size(shape) }, () => bound && bound * (2 * random() - 1))]
    }),
  )
}

/** The trained tensors as an adapter: copies. */
export function toAdapter(config: LlamaConfig, adapter: AdapterConfig, parameters: ReadonlyMap<string, Float32Array>): Adapter {
  const pairs = adaptedModules(linearModules(config), adapter.targets).map((module): [string, LowRankPair] => {
    const { a, b } = pairNames(module)
    return [module, { a: parameters.get(a)!.slice(), b: parameters.get(b)!.slice() }]
  })
  const { rank, alpha, targets } = adapter
  return { rank, alpha, targets: [...targets], pairs: new Map(pairs) }
}
