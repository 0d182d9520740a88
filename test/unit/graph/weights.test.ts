import { describe, expect, it } from 'vitest'
import type { Dtype, TensorEntry } from '../../../src/formats/safetensors.ts'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { assertFloat, locateWeights, requiredTensors, type WeightFile } from '../../../src/graph/weights.ts'
import { configJson } from '../../fixtures/random-model.ts'

const config = parseLlamaConfig(configJson({ num_hidden_layers: 1 }))
const entry = (name: string, shape: readonly number[], dtype: Dtype = 'F32'): TensorEntry => ({
  name,
  shape,
  dtype,
  begin: 0,
  end: 0,
})
const complete = [...requiredTensors(config)].map(([name, shape]) => entry(name, shape))
const inFile = (tensors: readonly TensorEntry[], name = 'model.safetensors'): WeightFile => ({
  name,
  header: { tensors, metadata: {} },
})

describe('locateWeights', () => {
  it('finds every tensor in the file that holds it', () => {
    const weights = locateWeights(config, [inFile(complete.slice(0, 3), 'a'), inFile(complete.slice(3), 'b')])
    expect(weights.size).toBe(complete.length)
    expect(weights.get(complete[0]!.name)).toMatchObject({ kind: 'float', file: 'a' })
    expect(weights.get(complete[3]!.name)).toMatchObject({ kind: 'float', file: 'b' })
  })

  it('finds a matrix in blocks, two tensors of a file', () => {
    const [name, [out, width]] = ['model.layers.0.mlp.down_proj.weight', [64, 96]] as const
    const others = complete.filter((tensor) => tensor.name !== name)
    const numbers = entry(`${name}.q4`, [out, width / 32, 16], 'U8')
    const scale = entry(`${name}.scale`, [out, width / 32])
    const found = locateWeights(config, [inFile([...others, numbers, scale])]).get(name)
    expect(found).toMatchObject({ kind: 'blocks', bits: 4, shape: [out, width], numbers: { shape: [64, 3, 16] } })
    expect(() => assertFloat(found!)).toThrow('quantised')
    expect(() => locateWeights(config, [inFile([...others, numbers])])).toThrow(`${name}.scale is missing`)
    expect(() => locateWeights(config, [inFile([...complete, numbers, scale])])).toThrow('there more than once')
    expect(() => locateWeights(config, [inFile([...others, { ...numbers, shape: [out, 3, 32] }, scale])])).toThrow('[64,3,32]')
    expect(() => locateWeights(config, [inFile([...others, numbers, { ...scale, dtype: 'F16' }])])).toThrow('F16')
  })

  it('ignores rotary tables, which follow from the config', () => {
    const extra = entry('model.layers.0.self_attn.rotary_emb.inv_freq', [8])
    expect(locateWeights(config, [inFile([...complete, extra])]).has(extra.name)).toBe(false)
  })

  it('ignores an output layer beside tied embeddings', () => {
    expect(locateWeights({ ...config, tiedEmbeddings: true }, [inFile(complete)]).has('lm_head.weight')).toBe(false)
  })

  const name = 'model.layers.0.self_attn.k_proj.weight'
  const replaced = (tensor: TensorEntry) => complete.map((other) => (other.name === name ? tensor : other))
  it.each([
    [
      'a missing tensor',
      [inFile(complete.filter((tensor) => tensor.name !== name))],
      `tensor ${name} is missing, expected shape [32,64]`,
    ],
    ['another shape', [inFile(replaced(entry(name, [64, 32])))], `tensor ${name} has shape [64,32], expected [32,64]`],
    ['another element type', [inFile(replaced(entry(name, [32, 64], 'I8')))], `tensor ${name} has dtype I8`],
    ['a tensor in two files', [inFile(complete, 'a'), inFile(complete.slice(0, 1), 'b')], 'is in both a and b'],
    [
      'a bias the config does not declare',
      [inFile([...complete, entry('model.layers.0.self_attn.o_proj.bias', [64])])],
      'o_proj.bias is not part of the computation',
    ],
    [
      'a layer the config does not have',
      [inFile([...complete, entry('model.layers.1.mlp.up_proj.weight', [96, 64])])],
      'layers.1',
    ],
  ])('refuses %s by its name', (_, files, message) => {
    expect(() => locateWeights(config, files)).toThrow(message)
  })
})
