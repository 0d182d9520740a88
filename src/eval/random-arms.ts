/** @file Random directions beside the personas of a comparison: what is left of an effect when the direction means nothing. */
import { seededRandom } from '../math/random.ts'
import { randomPersona } from '../persona/controls.ts'
import type { StoredPersona } from '../persona/persona.ts'

/** Every persona, and behind each that steers `count` copies with random directions of the same size, called `NAME:random-1` and so on. */
export function withRandomControls(
  personas: ReadonlyMap<string, StoredPersona>,
  { count, seed }: { readonly count: number; readonly seed: number },
): Map<string, StoredPersona> {
  const all = new Map<string, StoredPersona>()
  for (const [name, persona] of personas) {
    all.set(name, persona)
    if (persona.kind !== 'steering' && persona.kind !== 'prompt+steering') continue
    for (let control = 1; control <= count; control++) {
      const random = randomPersona({ ...persona, kind: 'steering' }, seededRandom(seed * 1_000_003 + control))
      // Where the persona has a prompt, its control has the same one.
      const same = persona.kind === 'steering' ? random : { ...random, kind: persona.kind, system: persona.system }
      all.set(`${name}:random-${control}`, same)
    }
  }
  return all
}
