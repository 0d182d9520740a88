/** @file A persona as one text, to the last bit: how a unit of work keeps what it found. Made and read by the same version of palign only. */
import { floatsFromBase64, floatsToBase64 } from '../math/base64.ts'
import type { Adapter, AdapterConfig, LowRankPair } from '../model/adapter.ts'
import { adapterPersonaFrom, adapterPersonaToJson } from '../persona/adapter-record.ts'
import type { Persona } from '../persona/persona.ts'
import { type PersonaTensor, personaFromRecord, personaToRecord } from '../persona/persona-record.ts'

type TextPersona =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'tensors'
      readonly metadata: Readonly<Record<string, string>>
      readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: string }>>
    }
  | {
      readonly kind: 'adapter'
      readonly record: string
      readonly config: AdapterConfig
      readonly pairs: Readonly<
        Record<string, { readonly a: string; readonly b: string; readonly sizes: readonly [number, number] }>
      >
      readonly origin: { readonly model: string | undefined; readonly method: string }
    }

/** Larger adapters are not worth their text: they are trained again where one is needed. */
const MAX_NUMBERS = 1 << 20

/** `undefined` for an adapter of over a million numbers. */
export function personaToText(persona: Persona): string | undefined {
  const text = textPersona(persona)
  return text && JSON.stringify(text)
}

function textPersona(persona: Persona): TextPersona | undefined {
  if (persona.kind === 'none') return { kind: 'none' }
  if (persona.kind === 'adapter') {
    const { pairs, ...config } = persona.adapter
    const numbers = [...pairs.values()].reduce((sum, { a, b }) => sum + a.length + b.length, 0)
    if (numbers > MAX_NUMBERS) return undefined
    const { model, method } = persona
    return {
      kind: 'adapter',
      record: adapterPersonaToJson(persona),
      config,
      pairs: mapValues(pairs, pairText),
      origin: { model, method },
    }
  }
  const { tensors, metadata } = personaToRecord(persona)
  return { kind: 'tensors', metadata, tensors: mapValues(tensors, ({ shape, data }) => ({ shape, data: floatsToBase64(data) })) }
}

const pairText = ({ a, b }: LowRankPair) => ({
  a: floatsToBase64(a),
  b: floatsToBase64(b),
  sizes: [a.length, b.length] as const,
})

function mapValues<From, To>(map: ReadonlyMap<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Array.from(map, ([name, value]) => [name, change(value)]))
}

/** @throws RangeError, SyntaxError, PalignError for text that `personaToText` did not make */
export function personaFromText(text: string): Persona {
  const stored = JSON.parse(text) as TextPersona
  switch (stored.kind) {
    case 'none':
      return { kind: 'none' }
    case 'tensors': {
      const tensors = Object.entries(stored.tensors).map(([name, { shape, data }]): [string, PersonaTensor] => [
        name,
        {
          shape,
          data: floatsFromBase64(
            data,
            shape.reduce((product, size) => product * size, 1),
          ),
        },
      ])
      return personaFromRecord({ tensors: new Map(tensors), metadata: stored.metadata })
    }
    case 'adapter': {
      const pairs = Object.entries(stored.pairs).map(([module, { a, b, sizes }]): [string, LowRankPair] => [
        module,
        { a: floatsFromBase64(a, sizes[0]), b: floatsFromBase64(b, sizes[1]) },
      ])
      const adapter: Adapter = { ...stored.config, pairs: new Map(pairs) }
      return adapterPersonaFrom(stored.record, adapter, stored.origin)
    }
    default:
      throw new RangeError(`text is no persona: ${JSON.stringify(stored satisfies never).slice(0, 80)}`)
  }
}
