/** @file What an arm is, as a hash: units of work that depend on an arm name it by this. */
import type { Arm } from './arm.ts'
import { unitKey } from './units.ts'

/** Hash over prompt, displacement and adapter, whatever the arm is called. */
export async function armDigest({ system, steering }: Arm): Promise<string> {
  const { displacement, adapter } = steering
  const pairs: object[] = []
  for (const [module, { a, b }] of adapter?.pairs ?? [])
    pairs.push({ module, a: await floatsDigest(a), b: await floatsDigest(b) })
  return unitKey({
    system: system ?? null,
    displacement: displacement === undefined ? null : await floatsDigest(displacement),
    adapter: adapter === undefined ? null : { rank: adapter.rank, alpha: adapter.alpha, pairs },
  })
}

async function floatsDigest(values: Float32Array): Promise<string> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
