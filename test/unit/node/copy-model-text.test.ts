import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { copyModelText } from '../../../src/node/copy-model-text.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-copy-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const fresh = () => [mkdtempSync(join(scratch, 'from-')), mkdtempSync(join(scratch, 'to-'))] as const

describe('what goes along with new weights', () => {
  it('is no code, and no field of a configuration that names any (S-10)', async () => {
    const [from, to] = fresh()
    const model = {
      model_type: 'llama',
      auto_map: { AutoModel: 'evil.Model' },
      text: { auto_map: 1, custom_pipelines: 2, kept: 3 },
    }
    writeFileSync(join(from, 'config.json'), JSON.stringify(model))
    writeFileSync(join(from, 'tokenizer_config.json'), JSON.stringify({ auto_map: { AutoTokenizer: ['evil.T', null] } }))
    // A vocabulary has words, not fields.
    writeFileSync(join(from, 'vocab.json'), '{"auto_map":7}')
    for (const name of ['evil.py', 'model.bin', 'setup.sh', 'README.md', 'x.index.json']) writeFileSync(join(from, name), 'x')
    await copyModelText({ from, to })
    expect(readdirSync(to).sort()).toEqual(['config.json', 'tokenizer_config.json', 'vocab.json'])
    expect(JSON.parse(readFileSync(join(to, 'config.json'), 'utf8'))).toEqual({ model_type: 'llama', text: { kept: 3 } })
    expect(readFileSync(join(to, 'tokenizer_config.json'), 'utf8')).toBe('{}\n')
    expect(readFileSync(join(to, 'vocab.json'), 'utf8')).toBe('{"auto_map":7}')
  })

  it('is byte for byte what it was where no code is named', async () => {
    const [from, to] = fresh()
    const text = '{ "rope_theta": 1e4,\n"eps": 1e-05 }'
    writeFileSync(join(from, 'config.json'), text)
    await copyModelText({ from, to })
    expect(readFileSync(join(to, 'config.json'), 'utf8')).toBe(text)
  })

  it('is nothing that a link brings from elsewhere (S-01)', async () => {
    const [from, to] = fresh()
    const secret = join(scratch, 'secret')
    writeFileSync(secret, 'a key')
    symlinkSync(secret, join(from, 'notes.txt'))
    await expect(copyModelText({ from, to })).rejects.toMatchObject({ code: 'invalid-input' })
    expect(readdirSync(to)).toEqual([])
  })

  it('is what the cache of Hugging Face links to, and what a link inside the folder does', async () => {
    const [, to] = fresh()
    const repository = mkdtempSync(join(scratch, 'models--a--b-'))
    const from = join(repository, 'snapshots', 'abc')
    mkdirSync(from, { recursive: true })
    mkdirSync(join(repository, 'blobs'))
    writeFileSync(join(repository, 'blobs', '0f'), 'of the model')
    symlinkSync('../../blobs/0f', join(from, 'LICENSE'))
    symlinkSync('LICENSE', join(from, 'NOTICE'))
    await copyModelText({ from, to })
    expect(['LICENSE', 'NOTICE'].map((name) => readFileSync(join(to, name), 'utf8'))).toEqual(['of the model', 'of the model'])
  })

  it('is never read from a pipe, which would wait for ever (S-05)', async () => {
    const [from, to] = fresh()
    execFileSync('mkfifo', [join(from, 'special.json')])
    await expect(copyModelText({ from, to })).rejects.toThrow('not a regular file')
  })
})
