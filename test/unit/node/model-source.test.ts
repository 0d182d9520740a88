import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readFloats } from '../../../src/formats/float-tensor.ts'
import { dequantise, type ReadableType } from '../../../src/formats/ggml-blocks.ts'
import { type GgufValue, readGgufHeader, writeGguf } from '../../../src/formats/gguf.ts'
import { dequantiseMatrix, numbersName, scaleName } from '../../../src/formats/quantised-matrix.ts'
import { readSafetensorsHeader } from '../../../src/formats/safetensors.ts'
import { modelFolderOf } from '../../../src/node/model-source.ts'
import {
  byteLevelMetadata,
  count,
  type GgufModelOptions,
  ggufModel,
  smallByteLevelTokenizer,
  text,
} from '../../fixtures/gguf-model.ts'
import { hostileGguf } from '../../fixtures/hostile-gguf.ts'
import { configJson, QWEN2, randomModel } from '../../fixtures/random-model.ts'
import { expectRefusal } from '../../fixtures/refusal.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-model-source-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const tokenizer = byteLevelMetadata(smallByteLevelTokenizer(), 'gpt-2')
const vocabSize = (tokenizer.get('tokenizer.ggml.tokens') as { readonly values: readonly string[] }).values.length

function modelOf(json: Record<string, unknown> = {}, more: Partial<GgufModelOptions> = {}): GgufModelOptions {
  const full = configJson({ hidden_size: 256, num_hidden_layers: 1, vocab_size: vocabSize, ...json })
  return { json: full, weights: randomModel({ json: full }).files.get('model.safetensors')!, tokenizer, ...more }
}

async function fileOf(name: string, options: GgufModelOptions = modelOf()): Promise<string> {
  const path = join(scratch, `${name}.gguf`)
  writeFileSync(path, await ggufModel(options))
  return path
}
const cacheOf = (name: string) => join(scratch, `cache-${name}`)

async function weightsOf(folder: string) {
  const source = bytesSource(readFileSync(join(folder, 'model.safetensors')))
  const header = await readSafetensorsHeader(source)
  return { ...header, source, find: (name: string) => header.tensors.find((tensor) => tensor.name === name) }
}

describe('the source of a model', () => {
  it('that is a folder is that folder', async () => {
    expect(await modelFolderOf('models/respondent')).toBe('models/respondent')
  })

  it('that is a GGUF file becomes a folder once, found again under another name', async () => {
    const path = await fileOf('once')
    const folder = await modelFolderOf(path, { cacheFolder: cacheOf('once') })
    const { mtimeMs } = statSync(join(folder, 'model.safetensors'))
    renameSync(path, join(scratch, 'renamed.gguf'))
    expect(await modelFolderOf(join(scratch, 'renamed.gguf'), { cacheFolder: cacheOf('once') })).toBe(folder)
    expect(statSync(join(folder, 'model.safetensors')).mtimeMs).toBe(mtimeMs)
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'source.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect((await weightsOf(folder)).metadata).toMatchObject({ source: 'gguf', architecture: 'llama' })
  })

  it('is written by one of those that want it at once, and leaves no lock', async () => {
    const path = await fileOf('race')
    const folders = await Promise.all([1, 2, 3, 4].map(() => modelFolderOf(path, { cacheFolder: cacheOf('race') })))
    expect(new Set(folders).size).toBe(1)
    expect(readdirSync(join(cacheOf('race'), 'models'))).toHaveLength(1)
  })

  it('is written although a process that began it died', async () => {
    const path = await fileOf('died')
    const folder = await modelFolderOf(path, { cacheFolder: cacheOf('died') })
    rmSync(folder, { recursive: true })
    writeFileSync(`${folder}.lock`, '{')
    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(`${folder}.lock`, longAgo, longAgo)
    expect(await modelFolderOf(path, { cacheFolder: cacheOf('died') })).toBe(folder)
    expect(readdirSync(join(cacheOf('died'), 'models'))).toHaveLength(1)
  })

  it.each(['Q8_0', 'Q4_0', 'Q4_K', 'Q5_K', 'Q6_K', 'F16', 'BF16'] as const)('in %s keeps every number', async (type) => {
    const path = await fileOf(type, modelOf({}, { type }))
    const file = bytesSource(readFileSync(path))
    const folder = await modelFolderOf(path, { cacheFolder: cacheOf(type) })
    const { find, source } = await weightsOf(folder)
    const { tensors } = await readGgufHeader(file)
    // The order of the rows of v and o is the same in both.
    for (const [gguf, name] of [
      ['token_embd.weight', 'model.embed_tokens.weight'],
      ['blk.0.attn_v.weight', 'model.layers.0.self_attn.v_proj.weight'],
    ] as const) {
      const tensor = tensors.find((one) => one.name === gguf)!
      expect(tensor.type).toBe(type)
      const expected = dequantise(tensor.type as ReadableType, await file.slice(tensor.begin, tensor.end))
      const whole = find(name)
      const bits = type === 'Q8_0' ? 8 : 4
      const found =
        whole !== undefined
          ? await readFloats(source, whole)
          : dequantiseMatrix({
              bits,
              numbers: await source.slice(find(numbersName(name, bits))!.begin, find(numbersName(name, bits))!.end),
              scale: await readFloats(source, find(scaleName(name))!),
            })
      expect(found.map((value) => value + 0)).toEqual(expected.map((value) => value + 0))
      expect(whole?.dtype).toBe(type.endsWith('_0') ? undefined : type.endsWith('K') ? 'F32' : type)
    }
  })

  it('turns the rows of q and k back, in llama and not in qwen2', async () => {
    for (const [name, json] of [
      ['turned', {}],
      ['kept', QWEN2],
    ] as const) {
      const options = modelOf(json)
      const { find, source } = await weightsOf(await modelFolderOf(await fileOf(name, options), { cacheFolder: cacheOf(name) }))
      const before = bytesSource(options.weights)
      const q = (await readSafetensorsHeader(before)).tensors.find((tensor) => tensor.name.endsWith('q_proj.weight'))!
      expect(await readFloats(source, find(q.name)!)).toEqual(await readFloats(before, q))
    }
  })

  it('that has one bias gets zeros for the others', async () => {
    const header = await readGgufHeader(bytesSource(await ggufModel(modelOf())))
    const bytes = await ggufModel(modelOf())
    const tensors = header.tensors.map(({ begin, end, ...tensor }) => ({ ...tensor, data: bytes.slice(begin, end) }))
    const bias = {
      name: 'blk.0.attn_output.bias',
      type: 'F32',
      shape: [256],
      data: new Uint8Array(new Float32Array(256).fill(0.1).buffer),
    } as const
    const path = join(scratch, 'bias.gguf')
    writeFileSync(path, writeGguf({ ...header, tensors: [...tensors, bias] }))
    const folder = await modelFolderOf(path, { cacheFolder: cacheOf('bias') })
    const { find, source } = await weightsOf(folder)
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).attention_bias).toBe(true)
    const biasOf = (layer: string) => readFloats(source, find(`model.layers.0.self_attn.${layer}.bias`)!)
    expect(await biasOf('o_proj')).toEqual(new Float32Array(256).fill(0.1))
    expect(await biasOf('q_proj')).toEqual(new Float32Array(256))
  })

  const more = (key: string, value: GgufValue) => modelOf({}, { more: new Map([[key, value]]) })
  it.each<[string, GgufModelOptions, string]>([
    ['another architecture', more('general.architecture', text('gemma3')), 'architecture gemma3'],
    ['experts', more('llama.expert_count', count(8)), '8 experts'],
    ['another scaling', more('llama.rope.scaling.type', text('yarn')), 'scaling is yarn'],
    ['part of a head turned', more('llama.rope.dimension_count', count(32)), '32 of 64'],
    ['a key we do not know', more('llama.attention.scale', count(1)), 'llama.attention.scale'],
    ['an adapter', more('general.type', text('adapter')), 'holds a adapter'],
    ['a part of several', more('split.count', count(3)), 'one of several parts'],
    ['another kind of tokenizer', more('tokenizer.ggml.model', text('bert')), 'of kind bert'],
    ['another splitting', more('tokenizer.ggml.pre', text('tekken')), 'texts as tekken'],
  ])('is refused for %s', async (name, options, message) => {
    const path = await fileOf(name.replaceAll(' ', '-'), options)
    await expect(modelFolderOf(path, { cacheFolder: cacheOf('refused') })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(message),
    })
    expect(readdirSync(join(cacheOf('refused'), 'models'))).toEqual([])
  })

  it('is refused for weights in a type that we cannot read, which is named', async () => {
    const bytes = await ggufModel(modelOf())
    const header = await readGgufHeader(bytesSource(bytes))
    const tensors = header.tensors.map(({ begin, end, ...tensor }) =>
      tensor.name === 'blk.0.attn_v.weight'
        ? { ...tensor, type: 'IQ4_XS' as const, data: new Uint8Array(((end - begin) / 4 / 256) * 136) }
        : { ...tensor, data: bytes.slice(begin, end) },
    )
    const path = join(scratch, 'iq4.gguf')
    writeFileSync(path, writeGguf({ ...header, tensors }))
    await expect(modelFolderOf(path, { cacheFolder: cacheOf('refused') })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('blk.0.attn_v.weight is of type IQ4_XS'),
    })
  })

  it('is refused by its name where it is a part of several', async () => {
    const path = join(scratch, 'large-00001-of-00003.gguf')
    writeFileSync(path, 'GGUF')
    await expect(modelFolderOf(path)).rejects.toMatchObject({
      code: 'unsupported-model',
      hint: expect.stringContaining('--merge'),
    })
  })

  it('is refused where it is another file, and told where it is missing', async () => {
    await expect(modelFolderOf('package.json')).rejects.toMatchObject({ code: 'invalid-input' })
    await expect(modelFolderOf(join(scratch, 'none.gguf'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is refused where it is hostile (S-07)', async () => {
    const path = join(scratch, 'hostile.gguf')
    const some = hostileGguf().filter((_, i) => i % 8 === 0)
    for (const [name, bytes] of some) {
      writeFileSync(path, bytes)
      await expectRefusal(name, () => modelFolderOf(path, { cacheFolder: cacheOf('hostile') }))
    }
  })
})
