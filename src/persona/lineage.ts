/** @file What a persona that was computed takes over from those it was computed of: never more rights than the narrowest of them. */
import type { PersonaAbout } from './about.ts'
import { canonicalJson } from './canonical-json.ts'
import { contentHash } from './content-hash.ts'
import type { StoredPersona } from './persona.ts'

export interface Weighted<P extends StoredPersona> {
  readonly persona: P
  readonly weight: number
}

/**
 * Base, split, owner and consent where all parents agree, the earliest expiry, every licence; and the parents themselves. An evaluation is
 * never taken over: it was that of another persona.
 */
export async function aboutMix(parts: readonly Weighted<StoredPersona>[]): Promise<PersonaAbout> {
  const all = parts.map(({ persona }) => persona.about ?? {})
  const agreed = <K extends 'base' | 'split' | 'owner' | 'consent'>(key: K): Pick<PersonaAbout, K> => {
    const first = all[0]?.[key]
    const same = first !== undefined && all.every((about) => canonicalJson(about[key] ?? null) === canonicalJson(first))
    return (same ? { [key]: first } : {}) as Pick<PersonaAbout, K>
  }
  const ends = all.flatMap(({ expires }) => expires ?? []).sort((a, b) => Date.parse(a) - Date.parse(b))
  const licenses = [...new Set(all.flatMap(({ license }) => license ?? []))].join(' AND ')
  return {
    ...{ ...agreed('base'), ...agreed('split'), ...agreed('owner'), ...agreed('consent') },
    ...(ends[0] !== undefined && { expires: ends[0] }),
    ...(licenses !== '' && { license: licenses.slice(0, LONGEST_LABEL) }),
    parents: await Promise.all(parts.map(async ({ persona, weight }) => ({ sha256: await contentHash(persona), weight }))),
  }
}

/** As `persona-fields.ts` reads it; the licences of parents that were cut off are still those of the parents. */
const LONGEST_LABEL = 256
