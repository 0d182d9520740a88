import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { locateWeights } from '../../../src/graph/weights.ts'
import { readModelFolder } from '../../../src/node/model-folder.ts'
import { readEndTokens, readModelText } from '../../../src/node/model-text.ts'
import { configJson, randomModel } from '../../fixtures/random-model.ts'

const demo = 'models/respondent'
const scratch = mkdtempSync(join(tmpdir(), 'palign-folder-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** A copy of the demo model, with a file replaced. */
function folderWith(name: string, content: string | ((path: string) => void)): string {
  const folder = mkdtempSync(join(scratch, 'model-'))
  for (const file of readdirSync(demo)) copyFileSync(join(demo, file), join(folder, file))
  const path = join(folder, name)
  rmSync(path, { force: true })
  if (typeof content === 'string') writeFileSync(path, content)
  else content(path)
  return folder
}

const sized = (bytes: number) => (path: string) => {
  writeFileSync(path, '{}')
  truncateSync(path, bytes)
}
const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
const prototype = '{"a":{"__proto__":{"b":1}}}'
const READERS: Readonly<Record<string, (folder: string) => Promise<unknown>>> = {
  'config.json': readModelFolder,
  'tokenizer.json': readModelText,
  'tokenizer_config.json': readModelText,
  'chat_template.jinja': readModelText,
  'generation_config.json': readEndTokens,
  'model.safetensors': readModelFolder,
}
const MOST: Readonly<Record<string, number>> = {
  'config.json': 1 << 20,
  'tokenizer.json': 64 << 20,
  'tokenizer_config.json': 1 << 20,
  'chat_template.jinja': 1 << 20,
  'generation_config.json': 1 << 20,
}
const malformed = { code: 'malformed-file' }

describe('a hostile model folder', () => {
  it('is one that is read as long as nothing is replaced', async () => {
    const folder = folderWith('notes.md', 'x')
    for (const read of Object.values(READERS)) await read(folder)
  })

  it.each(Object.entries(MOST))('is refused with a %s of more than %d bytes, unread', async (name, most) => {
    const began = performance.now()
    await expect(READERS[name]!(folderWith(name, sized(most + 1)))).rejects.toMatchObject(malformed)
    await expect(READERS[name]!(folderWith(name, sized(2 ** 40)))).rejects.toMatchObject(malformed)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it.each(Object.keys(READERS))('is refused with a pipe or a device as %s, and nothing waits (S-05)', async (name) => {
    for (const make of [(path: string) => execFileSync('mkfifo', [path]), (path: string) => symlinkSync('/dev/zero', path)])
      await expect(READERS[name]!(folderWith(name, make))).rejects.toThrow('not a regular file')
  })

  it.each(['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'])(
    'is refused with a %s that is nested without end, names a prototype, has numbers out of range, or is no text',
    async (name) => {
      const read = READERS[name]!
      for (const text of [deep, prototype, '{"a":1e999}', '{"a":', '[1]', '5', '']) {
        await expect(read(folderWith(name, text))).rejects.toMatchObject(malformed)
      }
      await expect(
        read(folderWith(name, (path) => writeFileSync(path, Buffer.from('7b22ff223a317d', 'hex')))),
      ).rejects.toMatchObject({
        name: 'PalignError',
      })
    },
  )

  it('is refused with a chat template of more than 256 kB, in either place (S-11)', async () => {
    const template = 'x'.repeat((256 << 10) + 1)
    for (const folder of [
      folderWith('chat_template.jinja', template),
      folderWith('tokenizer_config.json', JSON.stringify({ chat_template: template })),
      folderWith('tokenizer_config.json', JSON.stringify({ chat_template: [{ name: 'default', template }] })),
    ])
      await expect(readModelText(folder)).rejects.toMatchObject({
        ...malformed,
        message: expect.stringContaining('chat template'),
      })
  })

  it('runs no code that its configuration names or that lies beside it (S-10)', async () => {
    const mark = join(scratch, 'ran')
    const config = JSON.parse(readFileSync(join(demo, 'config.json'), 'utf8')) as object
    const named = {
      ...config,
      auto_map: { AutoModelForCausalLM: 'modeling_evil.Evil' },
      custom_pipelines: { evil: { impl: 'evil.Evil' } },
    }
    const folder = folderWith('config.json', JSON.stringify(named))
    const code = `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`
    for (const name of ['modeling_evil.py', 'index.js', 'package.json', 'setup.sh', 'evil.node', 'custom_ops.so'])
      writeFileSync(
        join(folder, name),
        name === 'package.json' ? '{"main":"index.js","scripts":{"install":"node index.js"}}' : code,
      )
    const [{ config: read }, text] = await Promise.all([readModelFolder(folder), readModelText(folder)])
    expect(read).toEqual((await readModelFolder(demo)).config)
    expect(text.tokenizer.encode('hello').length).toBeGreaterThan(0)
    expect(existsSync(mark)).toBe(false)
  })

  it('takes no file from an index of shards: what lies there is read, and what is missing is missed', async () => {
    const json = configJson()
    const { files } = randomModel({ json, shards: 2 })
    const folder = mkdtempSync(join(scratch, 'shards-'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
    const index = {
      metadata: { total_size: 1 },
      weight_map: { 'model.norm.weight': '../../../etc/passwd', other: 'C:\\x', more: 'http://evil' },
    }
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index))
    const whole = await readModelFolder(folder)
    expect(locateWeights(whole.config, whole.files).size).toBeGreaterThan(0)
    rmSync(join(folder, [...files][1]![0]))
    const half = await readModelFolder(folder)
    expect(() => locateWeights(half.config, half.files)).toThrow('is missing')
  })

  it('has no tensor twice in two files', async () => {
    const json = configJson()
    const { files } = randomModel({ json })
    const folder = mkdtempSync(join(scratch, 'twice-'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
    for (const name of ['a.safetensors', 'b.safetensors']) writeFileSync(join(folder, name), [...files][0]![1])
    const read = await readModelFolder(folder)
    expect(() => locateWeights(read.config, read.files)).toThrow('is in both')
  })
})
