import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { chatTokenizer } from '../../../src/node/chat-tokenizer.ts'
import { documentEncoder } from '../../../src/node/document-encoder.ts'
import { readTrainingData } from '../../../src/node/read-training-data.ts'
import { byteTokenizerJson } from '../../fixtures/byte-tokenizer.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-data-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const text = { tokenizer: chatTokenizer(byteTokenizerJson(), {}, undefined), chatTemplate: undefined, variables: {} }

function read(content: string | Uint8Array, { contextLength = 16, vocabSize = 256 } = {}) {
  const path = join(scratch, 'data.jsonl')
  writeFileSync(path, content)
  return readTrainingData([path], { encoder: documentEncoder(text, { contextLength, vocabSize }), vocabSize })
}

describe('training data', () => {
  it('are the documents of every line, with the sha256 of the file', async () => {
    const content = '{"text":"one"}\r\n\n{"parts":[{"text":"t","weight":0},{"text":"wo","weight":2}]}'
    const { store, files } = await read(content)
    expect(store.count).toBe(2)
    expect(text.tokenizer.decode(store.tokensOf(1))).toBe('two')
    expect(Array.from(store.weightsOf(1))).toEqual([0, 2, 2])
    expect(files).toEqual([{ name: 'data.jsonl', sha256: createHash('sha256').update(content).digest('hex') }])
  })

  it('keep the order of lines over many groups and pieces of the file', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => JSON.stringify({ text: `line ${i}` }))
    const { store } = await read(lines.join('\n'))
    const texts = Array.from({ length: store.count }, (_, i) => text.tokenizer.decode(store.tokensOf(i)))
    expect(texts).toEqual(lines.map((_, i) => `line ${i}`))
  })

  it('split a text that is longer than the context', async () => {
    const { store } = await read('{"text":"abcdefghij"}', { contextLength: 4 })
    expect(Array.from({ length: store.count }, (_, i) => store.lengthOf(i))).toEqual([4, 4, 2])
  })

  it.each([
    ['that is no JSON', '{"text":', 'line is no JSON'],
    ['that is no document', '{"prompt":"a"}', 'the field "prompt"'],
    ['that is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'line is no JSON in UTF-8'],
    ['with parts longer than the context', '{"parts":[{"text":"abcdefghijklmnopqrs","weight":1}]}', '19 tokens, at most 16'],
    ['that teaches nothing', '{"parts":[{"text":"abc","weight":0}]}', 'teaches nothing'],
    ['that is a chat, where the model has no template', '{"messages":[{"role":"assistant","content":"a"}]}', 'no chat template'],
  ])('are refused by file and line for a line %s', async (_, line, message) => {
    const content = Buffer.concat([Buffer.from('{"text":"fine"}\n'), Buffer.from(line)])
    await expect(read(content)).rejects.toThrow(/^file .*data\.jsonl, line 2: /)
    await expect(read(content)).rejects.toThrow(message)
  })

  it('are refused where a token is none of the model', async () => {
    await expect(read('{"text":"zz"}', { vocabSize: 50 })).rejects.toMatchObject({ code: 'unsupported-model' })
  })

  it('are refused where there are none', async () => {
    await expect(read('\n\n')).rejects.toThrow('hold no document')
  })
})
