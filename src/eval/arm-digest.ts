/** @file What an arm does to a model, as a hash: two arms of one hash answer alike, whatever they are called. For keys of units. */
import type { Adapter } from '../model/adapter.ts'
import type { Arm } from './arm.ts'
import { sha256, unitKey } from './units.ts'

/** sha256 over the system prompt, the numbers of the displacement and those of the adapter. */
export async function armDigest({ system, steering: { displacement, adapter } }: Arm): Promise<string> {
  return unitKey({
    system,
    displacement: displacement && (await floatDigest(displacement)),
    adapter: adapter && (await adapterDescription(adapter)),
  })
}

async function adapterDescription({ rank, alpha, targets, pairs }: Adapter) {
  const modules = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1))
  const hashed = modules.map(async ([module, { a, b }]) => [module, await floatDigest(a), await floatDigest(b)])
  return { rank, alpha, targets, pairs: await Promise.all(hashed) }
}

/** Of a copy: the digest takes no memory that threads may share. */
function floatDigest(values: Float32Array): Promise<string> {
  const copy = Float32Array.from(values)
  return sha256(new Uint8Array(copy.buffer))
}
