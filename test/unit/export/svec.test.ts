import { describe, expect, it } from 'vitest'
import { readSvec } from '../../../src/export/read-svec.ts'
import { writeSvec } from '../../../src/export/svec.ts'
import { parseStrictJson } from '../../../src/formats/strict-json.ts'
import { headSlice, zeroDisplacement } from '../../../src/model/displacement.ts'
import { compilePersona } from '../../../src/persona/persona.ts'
import { bytesOf, OTHER_FORMATS } from '../../fixtures/hostile-tensors.ts'
import { expectRefusal } from '../../fixtures/refusal.ts'
import { FINGERPRINT, SMALL_SHAPE, textOf, vectorSource } from '../../fixtures/vector-source.ts'

const shape = SMALL_SHAPE
const model = { shape, fingerprint: FINGERPRINT }
const written = (source = vectorSource()) => textOf(writeSvec(source)[0]!)

interface PublicVectors {
  /** Layer -> `[K][D]` */
  readonly directions: ReadonlyMap<number, readonly (readonly number[])[]>
  readonly heads: number
  readonly headDim: number
  readonly accuracies: ReadonlyMap<string, number> | undefined
}

/** The public layout and no more of it: what its readers take from a file, with every number checked. */
function readPublic(text: string): PublicVectors {
  const json = JSON.parse(text) as Record<string, unknown>
  expect(json.model_type).toBeTypeOf('string')
  const directions = new Map<number, number[][]>()
  for (const [layer, rows] of Object.entries(json.directions as Record<string, unknown>)) {
    expect(layer).toMatch(/^\d+$/)
    for (const row of rows as unknown[][]) {
      expect(row.length).toBe((rows as unknown[][])[0]!.length)
      expect(row.every((x) => typeof x === 'number' && Number.isFinite(x))).toBe(true)
    }
    directions.set(Number(layer), rows as number[][])
  }
  expect(directions.size).toBeGreaterThan(0)
  const accuracies = json.probe_accuracies as Record<string, number> | undefined
  for (const key of Object.keys(accuracies ?? {})) expect(key).toMatch(/^\d+:\d+$/)
  return {
    directions,
    heads: json.num_heads as number,
    headDim: json.head_dim as number,
    accuracies: accuracies && new Map(Object.entries(accuracies)),
  }
}

/** As the public program adds it: strength times row at the slice of each head. */
function appliedPublicly({ directions, heads, headDim }: PublicVectors, strength: number): Float32Array {
  const displacement = zeroDisplacement(shape)
  expect([heads, headDim]).toEqual([shape.heads, shape.headDim])
  for (const [layer, rows] of directions) {
    for (const [head, row] of rows.entries()) {
      headSlice(displacement, shape, { layer, head }).set(row.map((x) => strength * x))
    }
  }
  return displacement
}

describe('writeSvec', () => {
  it('gives the displacement to a reader of the public layout that uses alpha as its strength', () => {
    const source = vectorSource()
    const applied = appliedPublicly(readPublic(written(source)), source.persona.alpha)
    // The product is taken in another order and rounded to 32 bits once.
    for (const [i, x] of source.displacement.entries()) expect(applied[i]).toBeCloseTo(x, 6)
  })

  it('has rows for the displaced layers only, zero for heads that stay', () => {
    const { directions } = readPublic(written())
    expect([...directions.keys()]).toEqual([1, 3])
    expect(directions.get(3)!.map((row) => row.every((x) => x === 0))).toEqual([true, true, true, true, true, false])
  })

  it('tells the accuracies of its heads where they are known, and none where they are not', () => {
    expect(readPublic(written()).accuracies).toBeUndefined()
    const probes = [
      { layer: 1, head: 4, validationAccuracy: 0.75 },
      { layer: 2, head: 2, validationAccuracy: 0.5 },
    ]
    expect(readPublic(written({ ...vectorSource(), probes })).accuracies).toEqual(new Map([['1:4', 0.75]]))
  })

  it('is strict JSON', () => {
    expect(() => parseStrictJson(written(), 'svec')).not.toThrow()
  })

  it('refuses a displacement of another alpha than the persona’s', () => {
    const source = vectorSource()
    const other = { ...source, persona: { ...source.persona, alpha: 1 } }
    expect(() => writeSvec(other)).toThrow('displacement is not that of the persona at its alpha, 1')
  })
})

describe('readSvec', () => {
  it('gives back what was written: directions, sigmas, alpha, origin and the displacement to the bit', () => {
    const source = vectorSource()
    const persona = readSvec(written(source), { model })
    const byHead = (a: { layer: number; head: number }, b: { layer: number; head: number }) =>
      a.layer - b.layer || a.head - b.head
    expect(persona).toEqual({
      ...source.persona,
      interventions: source.persona.interventions.toSorted(byHead),
      calibration: { loss: 'unknown', curve: [], folds: 0 },
    })
    expect(compilePersona(persona, model).displacement).toEqual(source.displacement)
  })

  it('adds up interventions on one head', () => {
    const source = vectorSource({
      heads: [
        { layer: 2, head: 1 },
        { layer: 2, head: 1 },
      ],
    })
    const persona = readSvec(written(source), { model })
    expect(persona.interventions).toHaveLength(1)
    const { displacement } = compilePersona(persona, model)
    // Summed before and after rounding to 32 bits.
    for (const [i, x] of source.displacement.entries()) expect(displacement![i]).toBeCloseTo(x, 6)
  })

  it('takes another alpha where one is given', () => {
    expect(readSvec(written(), { model, alpha: 4 }).alpha).toBe(4)
  })

  /** A file of another program: rows of all heads of one layer, longer with the head. */
  const foreign = (fields: object = {}) =>
    JSON.stringify({
      model_type: 'llama',
      num_heads: 6,
      head_dim: 4,
      directions: { 2: [0, 1, 2, 3, 4, 5].map((head) => [head, 0, 0, 0]) },
      probe_accuracies: Object.fromEntries([0.5, 0.9, 0.6, 0.9, 0.7, 0.8].map((accuracy, head) => [`2:${head}`, accuracy])),
      note: 'kept by others',
      ...fields,
    })

  it('takes rows of other programs as sigma times direction', () => {
    const { interventions, method } = readSvec(foreign(), { model, alpha: 1 })
    expect(method).toBe('svec')
    expect(interventions.map(({ head, sigma, direction }) => [head, sigma, ...direction])).toEqual(
      [1, 2, 3, 4, 5].map((head) => [head, head, 1, 0, 0, 0]),
    )
  })

  it('takes the heads with the best probes where a number of heads is given', () => {
    const { interventions } = readSvec(foreign(), { model, alpha: 1, count: 3 })
    expect(interventions.map(({ head }) => head)).toEqual([1, 3, 5])
    expect(() => readSvec(foreign({ probe_accuracies: {} }), { model, alpha: 1, count: 3 })).toThrow('no accuracies of all')
  })

  it('asks for the strength where the file does not say it', () => {
    expect(() => readSvec(foreign(), { model })).toThrow('svec does not say how strong it is')
  })

  it('refuses vectors of the residual stream with the reason', () => {
    const residual = JSON.stringify({ model_type: 'llama', directions: { 2: [1, 2, 3] }, explained_variances: { 2: 0.5 } })
    expect(() => readSvec(residual, { model, alpha: 1 })).toThrow('svec holds vectors of the residual stream')
  })

  it.each<[string, object]>([
    ['heads', { num_heads: 8 }],
    ['a head size', { head_dim: 5 }],
    ['layers', { directions: { 4: Array(6).fill([1, 0, 0, 0]) } }],
  ])('refuses %s that the model lacks', (_, fields) => {
    expect(() => readSvec(foreign(fields), { model, alpha: 1 })).toThrow('the model has 4 layers x 6 heads x 4')
  })

  it('refuses a file of another model', () => {
    const other = { shape, fingerprint: 'c'.repeat(64) }
    expect(() => readSvec(written(), { model: other })).toThrow(
      'svec was made for model abababababab, this model is cccccccccccc',
    )
  })

  it('refuses hostile text by a rule, at once', async () => {
    const whole = written()
    const palign = (JSON.parse(whole) as { palign: object }).palign
    const texts = [
      ...Array.from({ length: 40 }, (_, i) => whole.slice(0, Math.floor((i * (whole.length - 2)) / 40))),
      ...Object.values(OTHER_FORMATS).map((content) => new TextDecoder().decode(bytesOf(content))),
      '['.repeat(100_000),
      foreign({ directions: { 2: Array(6).fill([1, 0, 0]) } }),
      foreign({ directions: { 2: Array(5).fill([1, 0, 0, 0]) } }),
      foreign({ directions: { 2: Array(6).fill([1, 0, 0, '0']) } }),
      foreign({ directions: { 2: Array(6).fill([1, 0, 0, null]) } }),
      foreign({ directions: { '-1': Array(6).fill([1, 0, 0, 0]) } }),
      foreign({ directions: { '02': Array(6).fill([1, 0, 0, 0]) } }),
      foreign({ directions: { 2: [1, 2, 3] } }),
      foreign({ num_heads: 0 }),
      foreign({ num_heads: 6.5 }),
      foreign({ num_heads: 1e9 }),
      foreign({ palign: {} }),
      foreign({ palign: { ...palign, sigmas: {} } }),
      foreign({ palign: { ...palign, sigmas: { '2:1': 0 } } }),
      foreign({ palign: { ...palign, sigmas: { '2:1': 1e-300, '2:2': 1, '2:3': 1, '2:4': 1, '2:5': 1 } } }),
      foreign({ palign: { ...palign, more: 1 } }),
      foreign().replace('[1,0,0,0]', '[1e999,0,0,0]'),
      foreign().replace('"note"', '"__proto__"'),
      foreign().replace('"note"', '"model_type"'),
      `{"model_type":"llama","directions":{"0":[${'0,'.repeat(200_000)}0]}}`,
    ]
    for (const text of texts) {
      await expectRefusal(text.slice(0, 60), async () => readSvec(text, { model: { shape, fingerprint: FINGERPRINT }, alpha: 1 }))
    }
  })
})
