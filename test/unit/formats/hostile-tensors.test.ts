import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { readSafetensorsHeader } from '../../../src/formats/safetensors.ts'
import { readPeft, writePeft } from '../../../src/graph/peft.ts'
import { linearModules } from '../../../src/graph/weights.ts'
import { readAdapterFolder } from '../../../src/node/adapter-folder.ts'
import { readModelFolder } from '../../../src/node/model-folder.ts'
import { readPersona } from '../../../src/node/persona-file.ts'
import { bytesOf, goodFile, hostileFiles, OTHER_FORMATS } from '../../fixtures/hostile-tensors.ts'
import { randomAdapter } from '../../fixtures/random-adapter.ts'
import { configJson, randomModel } from '../../fixtures/random-model.ts'
import { expectRefusal } from '../../fixtures/refusal.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-hostile-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const smallAdapter = () => randomAdapter(linearModules(randomModel().config), { rank: 1 })
const files = hostileFiles()

describe('a hostile safetensors file (S-02, S-23)', () => {
  it('is one of many, made from one that is good', async () => {
    expect(files.length).toBeGreaterThan(250)
    expect((await readSafetensorsHeader(bytesSource(goodFile()))).tensors).toHaveLength(2)
  })

  it('is refused by its rule, in 100 ms and without 64 MB', async () => {
    for (const [name, bytes] of files) await expectRefusal(name, () => readSafetensorsHeader(bytesSource(bytes)))
  })

  it('is refused as a persona', async () => {
    const path = join(scratch, 'persona.safetensors')
    for (const [name, bytes] of files) {
      writeFileSync(path, bytes)
      await expectRefusal(name, () => readPersona(path))
    }
  })

  it('is refused as an adapter', async () => {
    const { config } = writePeft({
      adapter: smallAdapter(),
      base: undefined,
      origin: { model: undefined, method: undefined },
    })
    const folder = join(scratch, 'adapter')
    mkdirSync(folder)
    writeFileSync(join(folder, 'adapter_config.json'), config)
    for (const [name, bytes] of files) {
      writeFileSync(join(folder, 'adapter_model.safetensors'), bytes)
      await expectRefusal(name, () => readAdapterFolder(folder))
    }
  })

  it('is refused as weights of a model', async () => {
    const folder = join(scratch, 'model')
    mkdirSync(folder)
    writeFileSync(join(folder, 'config.json'), JSON.stringify(configJson()))
    for (const [name, bytes] of files) {
      writeFileSync(join(folder, 'model.safetensors'), bytes)
      await expectRefusal(name, () => readModelFolder(folder))
    }
  })

  it('is refused as a persona and as an adapter by the length of its header alone', async () => {
    const spaces = Buffer.alloc(4_000_001, 0x20)
    spaces.write('{}')
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(spaces.length))
    const bytes = Buffer.concat([length, spaces])
    expect((await readSafetensorsHeader(bytesSource(bytes))).tensors).toEqual([])
    const path = join(scratch, 'long.safetensors')
    writeFileSync(path, bytes)
    await expect(readPersona(path)).rejects.toThrow('is not between 2 and 4000000')
    const { config } = writePeft({ adapter: smallAdapter(), base: undefined, origin: { model: undefined, method: undefined } })
    await expect(readPeft(config, bytesSource(bytes))).rejects.toThrow('is not between 2 and 4000000')
  })

  it('of a terabyte is not read to see that it is none', async () => {
    const path = join(scratch, 'sparse.safetensors')
    writeFileSync(path, goodFile())
    truncateSync(path, 2 ** 40)
    await expectRefusal('sparse', () => readPersona(path))
    const folder = join(scratch, 'sparse-model')
    mkdirSync(folder)
    writeFileSync(join(folder, 'config.json'), JSON.stringify(configJson()))
    writeFileSync(join(folder, 'model.safetensors'), goodFile())
    truncateSync(join(folder, 'model.safetensors'), 2 ** 40)
    await expectRefusal('sparse', () => readModelFolder(folder))
  })
})

describe('other formats (S-09)', () => {
  it('in a folder are named, with what to do about a GGUF file', async () => {
    const folder = mkdtempSync(join(scratch, 'gguf-'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify(configJson()))
    writeFileSync(join(folder, 'model.gguf'), goodFile())
    await expect(readModelFolder(folder)).rejects.toMatchObject({
      code: 'not-found',
      hint: expect.stringContaining('path of the .gguf'),
    })
  })

  const NAMES = [
    'pytorch_model.bin',
    'model.pt',
    'model.pth',
    'data.pkl',
    'last.ckpt',
    'weights.npy',
    'model.gguf',
    'model.onnx',
    'model.h5',
  ]

  it.each(NAMES)('are never read as weights of a model: %s', async (name) => {
    const folder = mkdtempSync(join(scratch, 'other-'))
    writeFileSync(join(folder, 'config.json'), JSON.stringify(configJson()))
    writeFileSync(join(folder, name), goodFile())
    await expect(readModelFolder(folder)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(name) })
  })

  it.each(Object.entries(OTHER_FORMATS))('under the name of safetensors are known by their content: %s', async (_, content) => {
    const path = join(scratch, 'renamed.safetensors')
    // Long enough that no length is the reason.
    writeFileSync(path, Buffer.concat([bytesOf(content), Buffer.alloc(4096)]))
    await expect(readPersona(path)).rejects.toMatchObject({ code: 'malformed-file', message: expect.stringMatching(/header/) })
  })
})
