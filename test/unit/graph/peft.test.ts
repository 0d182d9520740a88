import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { type FloatDtype, floatTensor } from '../../../src/formats/float-tensor.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../../src/formats/safetensors.ts'
import { readPeft, writePeft } from '../../../src/graph/peft.ts'
import { linearModules } from '../../../src/graph/weights.ts'
import { adapterScale, assertAdapter } from '../../../src/model/adapter.ts'
import { randomAdapter } from '../../fixtures/random-adapter.ts'
import { randomModel } from '../../fixtures/random-model.ts'

const modules = linearModules(randomModel().config)
const adapter = randomAdapter(modules, { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] })
const peft = { adapter, base: 'some/model', origin: { model: 'a'.repeat(64), method: 'dpo' } }
const written = writePeft(peft)
const read = (change: Record<string, unknown> = {}, tensors = written.tensors) =>
  readPeft(JSON.stringify({ ...(JSON.parse(written.config) as object), ...change }), bytesSource(tensors))

/** One tensor file over the given tensors, `[2, 4]` of A and `[3, 2]` of B for each name. */
const tensorFile = (names: readonly string[], dtype: FloatDtype = 'F32', value = 0.5) =>
  writeSafetensors({
    tensors: names.map((name) => {
      const shape = name.includes('lora_A') ? [2, 4] : [3, 2]
      return floatTensor(name, shape, new Float32Array(shape[0]! * shape[1]!).fill(value), dtype)
    }),
  })
const Q = 'base_model.model.model.layers.0.self_attn.q_proj'
const both = (module = Q) => [`${module}.lora_A.weight`, `${module}.lora_B.weight`]

describe('PEFT adapter', () => {
  it('comes back as it was', async () => {
    expect(await read()).toEqual(peft)
  })

  it('has the tensor names and shapes that PEFT writes', async () => {
    const { tensors, metadata } = await readSafetensorsHeader(bytesSource(written.tensors))
    const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]))
    expect(shapes.get(`${Q}.lora_A.weight`)).toEqual([2, 64])
    expect(shapes.get(`${Q}.lora_B.weight`)).toEqual([64, 2])
    expect(shapes.get('base_model.model.model.layers.2.mlp.down_proj.lora_A.weight')).toEqual([2, 96])
    expect(shapes.size).toBe(3 * 2 * 2)
    expect(metadata).toMatchObject({ format: 'pt', 'palign.model': 'a'.repeat(64), 'palign.method': 'dpo' })
    expect(JSON.parse(written.config)).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 4,
      target_modules: ['q_proj', 'down_proj'],
    })
  })

  it.each(['F16', 'BF16'] as const)('is read from %s', async (dtype) => {
    const { adapter: found } = await read({ target_modules: ['q_proj'] }, tensorFile(both(), dtype))
    expect(found.pairs.get('model.layers.0.self_attn.q_proj')).toEqual({
      a: new Float32Array(8).fill(0.5),
      b: new Float32Array(6).fill(0.5),
    })
  })

  it('takes rank-stabilised scaling for the alpha that gives the same update', async () => {
    expect(adapterScale((await read({ use_rslora: true })).adapter)).toBeCloseTo(4 / Math.sqrt(2), 12)
  })

  it('lets the tensors settle what a pattern of targets means', async () => {
    expect((await read({ target_modules: '.*(q|down)_proj' })).adapter.targets).toEqual(['q_proj', 'down_proj'])
  })

  it('reads what PEFT writes of fields that have no effect', async () => {
    const more = {
      megatron_core: 'megatron.core',
      qalora_group_size: 16,
      peft_version: '0.18.0',
      lora_bias: false,
      corda_config: null,
    }
    expect((await read({ ...more, layer_replication: null, init_lora_weights: 'gaussian' })).adapter).toEqual(adapter)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['another type', { peft_type: 'IA3' }, 'type "IA3"'],
    ['DoRA', { use_dora: true }, '"use_dora"'],
    ['biases', { bias: 'all' }, 'bias "all"'],
    ['trained modules', { modules_to_save: ['lm_head'] }, '"modules_to_save"'],
    ['ranks by layer', { rank_pattern: { q_proj: 4 } }, '"rank_pattern"'],
    ['alphas by layer', { alpha_pattern: { q_proj: 4 } }, '"alpha_pattern"'],
    ['chosen layers', { layers_to_transform: [0] }, '"layers_to_transform"'],
    ['transposed weights', { fan_in_fan_out: true }, '"fan_in_fan_out"'],
    ['an initialisation that changes the base', { init_lora_weights: 'pissa' }, '"pissa"'],
    ['a field it does not know', { use_next_year: true }, '"use_next_year"'],
    ['a target it does not know', { target_modules: ['lm_head'] }, '"lm_head"'],
  ])('is refused by name with %s', async (_, change, message) => {
    await expect(read(change)).rejects.toMatchObject({ code: 'incompatible-persona', message: expect.stringContaining(message) })
  })

  it.each<[string, Record<string, unknown>]>([
    ['rank 0', { r: 0 }],
    ['an absurd rank', { r: 1e9 }],
    ['no alpha', { lora_alpha: null }],
    ['other targets than its tensors', { target_modules: ['q_proj'] }],
    ['all layers listed and few given', { target_modules: 'all-linear' }],
    ['another rank than its tensors', { r: 3 }],
  ])('is refused as malformed with %s', async (_, change) => {
    await expect(read(change)).rejects.toMatchObject({ code: 'malformed-file' })
  })

  it.each<[string, readonly string[], string]>([
    ['a magnitude vector', [...both(), `${Q}.lora_magnitude_vector`], 'incompatible-persona'],
    ['an adapted output layer', both('base_model.model.lm_head'), 'incompatible-persona'],
    ['a name that climbs', both('base_model.model.model.layers.0.__proto__.q_proj'), 'incompatible-persona'],
    ['half a pair', both().slice(0, 1), 'malformed-file'],
    ['no tensors', [], 'malformed-file'],
  ])('is refused with %s', async (_, names, code) => {
    await expect(read({ target_modules: ['q_proj'] }, tensorFile(names))).rejects.toMatchObject({ code })
  })

  it('is refused with NaN', async () => {
    await expect(read({ target_modules: ['q_proj'] }, tensorFile(both(), 'F32', Number.NaN))).rejects.toMatchObject({
      code: 'non-finite',
    })
  })

  it('is refused where the file is cut', async () => {
    await expect(read({}, written.tensors.slice(0, -3))).rejects.toMatchObject({ code: 'malformed-file' })
  })
})

describe('assertAdapter', () => {
  it('accepts an adapter that fits', () => {
    expect(() => assertAdapter(adapter, modules)).not.toThrow()
  })

  it.each([
    ['lacks a module', { ...adapter, pairs: new Map([...adapter.pairs].slice(1)) }, 'incompatible-persona'],
    ['has a module too many', { ...adapter, targets: ['q_proj'] as const }, 'incompatible-persona'],
    ['has another rank than its matrices', { ...adapter, rank: 3 }, 'incompatible-persona'],
    ['has no targets', { ...adapter, targets: [], pairs: new Map() }, 'incompatible-persona'],
    ['has an alpha that is no number', { ...adapter, alpha: Number.NaN }, 'non-finite'],
  ])('refuses an adapter that %s', (_, wrong, code) => {
    expect(() => assertAdapter(wrong, modules)).toThrow(expect.objectContaining({ code }))
  })

  it('refuses infinity in a matrix', () => {
    const [module, pair] = [...adapter.pairs][0]!
    const pairs = new Map(adapter.pairs).set(module, { ...pair, b: pair.b.map(() => Number.POSITIVE_INFINITY) })
    expect(() => assertAdapter({ ...adapter, pairs }, modules)).toThrow(expect.objectContaining({ code: 'non-finite' }))
  })
})
