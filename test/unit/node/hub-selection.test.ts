import { describe, expect, it } from 'vitest'
import type { HubRepository } from '../../../src/node/hub-repository.ts'
import { needsShardIndex, selectFiles } from '../../../src/node/hub-selection.ts'

const INDEX = 'model.safetensors.index.json'
const shard = (i: number) => `model-0000${i}-of-00002.safetensors`

function repository(...paths: string[]): HubRepository {
  const hash = { kind: 'sha256', hex: 'a'.repeat(64) } as const
  return { id: 'ada/x', commit: 'b'.repeat(40), licence: 'mit', files: paths.map((path) => ({ path, size: 1, hash })) }
}

const chosen = (repo: HubRepository, named: string[] = [], index?: string) =>
  selectFiles(repo, named, index).files.map(({ path }) => path)

describe('the files of a model', () => {
  it('are configuration, tokenizer, licence and safetensors, and nothing below folders', () => {
    const texts = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'merges.txt', 'LICENSE.txt', 'README.md']
    const others = ['.gitattributes', 'flax_model.msgpack', 'tokenizer.model', 'assets/x.png', 'runs/model.safetensors', 'x.gguf']
    expect(chosen(repository(...others, ...texts, 'model.safetensors'))).toEqual([...texts, 'model.safetensors'])
  })

  it('of an adapter are its configuration and its weights', () => {
    const files = ['adapter_config.json', 'adapter_model.safetensors']
    expect(chosen(repository(...files, 'adapter_model.bin'))).toEqual(files)
  })

  it('are the shards of the index, and not the same weights once more', () => {
    const repo = repository(INDEX, shard(1), shard(2), 'consolidated.safetensors')
    expect(needsShardIndex(repo, [])?.path).toBe(INDEX)
    const index = JSON.stringify({ weight_map: { a: shard(1), b: shard(2), c: shard(1) } })
    expect(chosen(repo, [], index)).toEqual([INDEX, shard(1), shard(2)])
    expect(selectFiles(repo, [], index).leftOut).toEqual([
      { path: 'consolidated.safetensors', why: 'other weights, to be named with --file' },
    ])
  })

  it.each([
    ['is missing', shard(3), /"model-00003-of-00002\.safetensors", which is missing/],
    ['leads elsewhere', '../model.safetensors', /expected a \.safetensors file beside it/],
    ['lies in a folder', 'a/model.safetensors', /beside it/],
    ['is a pickle', 'model.bin', /beside it/],
    ['is no text', 7, /beside it/],
  ])('are not taken where a shard of the index %s', (_, name, message) => {
    const index = JSON.stringify({ weight_map: { a: name } })
    expect(() => chosen(repository(INDEX, shard(1), 'model.bin', 'a/model.safetensors'), [], index)).toThrow(message)
  })

  it.each(['[]', '{}', '{"weight_map":{}}', '{"weight_map":[]}', '{"weight_map":{"a":"x","a":"x"}}', 'x'])(
    'are not taken by an index that is none: %s',
    (index) => {
      expect(() => chosen(repository(INDEX, shard(1)), [], index)).toThrow(expect.objectContaining({ code: 'malformed-file' }))
    },
  )

  it('are the only GGUF file where there are no safetensors, and a question where there are more', () => {
    expect(chosen(repository('config.json', 'x.gguf'))).toEqual(['config.json', 'x.gguf'])
    expect(() => chosen(repository('x-q4.gguf', 'x-q8.gguf'))).toThrow(
      expect.objectContaining({ code: 'invalid-input', hint: 'name one with --file: x-q4.gguf, x-q8.gguf' }),
    )
  })

  it('are the named weights in place of others, those of ONNX with their data', () => {
    const repo = repository(
      'config.json',
      'model.safetensors',
      'x-q4.gguf',
      'onnx/model.onnx',
      'onnx/model.onnx_data',
      'onnx/model_q4.onnx',
    )
    expect(chosen(repo, ['x-q4.gguf'])).toEqual(['config.json', 'x-q4.gguf'])
    expect(chosen(repo, ['onnx/model.onnx'])).toEqual(['config.json', 'onnx/model.onnx', 'onnx/model.onnx_data'])
    expect(() => chosen(repo, ['y.gguf'])).toThrow(/file "y\.gguf" is not in ada\/x/)
  })

  it('are never pickles, code or archives, not even by name (S-09, S-10, S-21)', () => {
    const never = [
      'pytorch_model.bin',
      'x.pt',
      'x.pth',
      'x.pkl',
      'x.ckpt',
      'x.h5',
      'x.npz',
      'modeling.py',
      'x.zip',
      'x.tar.gz',
      'x.nemo',
      'x.sh',
    ]
    const repo = repository('model.safetensors', ...never)
    expect(chosen(repo)).toEqual(['model.safetensors'])
    expect(selectFiles(repo, [], undefined).leftOut.map(({ path }) => path)).toEqual(never)
    for (const path of never) expect(() => chosen(repo, [path])).toThrow(expect.objectContaining({ code: 'invalid-input' }))
  })

  it('are none where there are pickles only, which are named (S-09)', () => {
    expect(() => chosen(repository('config.json', 'pytorch_model.bin', 'x.ckpt'))).toThrow(
      /no safetensors, only weights that may run code when they are read: "pytorch_model\.bin", "x\.ckpt"/,
    )
  })

  it('that differ in case only are refused', () => {
    expect(() => chosen(repository('a.safetensors', 'A.safetensors'))).toThrow(/differs from another in case only/)
  })

  it('do not take the name of our lock', () => {
    expect(() => chosen(repository('palign-lock.json'), ['palign-lock.json'])).toThrow(/no format that palign reads/)
  })
})
