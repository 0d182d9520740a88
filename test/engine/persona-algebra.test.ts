import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/open-engine.ts'
import type { TokenModel } from '../../src/model/language-model.ts'
import { readPersona, writePersona } from '../../src/node/persona-file.ts'
import { add, interpolate, mix, scale, subtract } from '../../src/persona/algebra.ts'
import { compilePersona, type Persona, type SteeringPersona } from '../../src/persona/persona.ts'
import { randomModel } from '../fixtures/random-model.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'
import { nodeRuntime, type OrtRuntime, readHeaders } from './open-model.ts'

const random = randomModel()
const tokens = [1, 2, 3, 4, 5]
const fingerprint = 'a'.repeat(64)
const scratch = mkdtempSync(join(tmpdir(), 'palign-algebra-'))

let runtime: OrtRuntime
let model: TokenModel
let personas: readonly SteeringPersona[]
beforeAll(async () => {
  runtime = nodeRuntime(random)
  model = await openEngine({ config: random.config, files: await readHeaders(random), runtime })
  personas = randomPersonas({ model: { shape: model.shape, fingerprint }, count: 3, alpha: 2 })
})
afterAll(async () => {
  await model.dispose()
  runtime.close()
  rmSync(scratch, { recursive: true })
})

const logits = (persona: Persona) => {
  const { displacement } = compilePersona(persona, { shape: model.shape, fingerprint })
  return model.logits({ tokens, displacement })
}
const base = () => model.logits({ tokens })

/** Of the largest logit: rounding of 32-bit numbers through three layers. */
const ROUNDING = 1e-4
function distance(a: Float32Array, b: Float32Array): number {
  const largest = Math.max(...Array.from(b, Math.abs))
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!))) / largest
}

describe('personas that were computed, on the engine', () => {
  it('are the base model to the last bit where everything cancels, and with no strength', async () => {
    const [a] = personas as [SteeringPersona]
    expect(distance(await logits(a), await base())).toBeGreaterThan(ROUNDING)
    for (const zero of [await subtract(a, a), await scale(a, 0), await mix([{ persona: a, weight: 0 }])])
      expect(await logits(zero)).toEqual(await base())
  })

  it('times one are the persona itself, to the last bit', async () => {
    const [a] = personas as [SteeringPersona]
    expect(await logits(await scale(a, 1))).toEqual(await logits(a))
  })

  it('act as their displacements added up do', async () => {
    const [a, b] = personas as [SteeringPersona, SteeringPersona]
    const shape = model.shape
    const [left, right] = [a, b].map((one) => compilePersona(one, { shape, fingerprint }).displacement!)
    const together = await model.logits({ tokens, displacement: left!.map((value, i) => value + right![i]!) })
    expect(distance(await logits(await add(a, b)), together)).toBeLessThan(ROUNDING)
    expect(distance(await logits(await interpolate(a, b, 1)), await logits(b))).toBeLessThan(ROUNDING)
  })

  it('act after a file as before it, to the last bit', async () => {
    const [a, b] = personas as [SteeringPersona, SteeringPersona]
    const sum = await mix([
      { persona: a, weight: 0.7 },
      { persona: b, weight: -0.3 },
    ])
    const path = join(scratch, 'sum.safetensors')
    await writePersona(path, sum)
    expect(await logits(await readPersona(path))).toEqual(await logits(sum))
  })
})
