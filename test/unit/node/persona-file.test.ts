import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { floatTensor } from '../../../src/formats/float-tensor.ts'
import { readSafetensorsHeader, writeSafetensors } from '../../../src/formats/safetensors.ts'
import { encrypt } from '../../../src/node/age.ts'
import { packPersona, unpackPersona } from '../../../src/node/persona-bundle.ts'
import { personaNameOf, readPersona, writePersona } from '../../../src/node/persona-file.ts'
import { contentHash } from '../../../src/persona/content-hash.ts'
import { compilePersona, type PromptSteeringPersona, type StoredPersona } from '../../../src/persona/persona.ts'
import { adapter, described, fingerprint, prompt, shape, steering } from '../../fixtures/small-personas.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-persona-file-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const path = join(scratch, 'me.safetensors')
const both: PromptSteeringPersona = { ...described, kind: 'prompt+steering', system: 'You are calm.' }
const describedAdapter = { ...adapter, about: described.about }
const described2 = { ...prompt, about: { license: 'MIT' } }

/** The file with other metadata, and the same tensors. */
async function rewritten(change: (metadata: Record<string, string>) => Record<string, string>, tensors?: object): Promise<void> {
  const bytes = new Uint8Array(readFileSync(path))
  const header = await readSafetensorsHeader(bytesSource(bytes))
  const entries = header.tensors.map(({ name, dtype, shape, begin, end }) => ({
    name,
    dtype,
    shape,
    data: bytes.slice(begin, end),
  }))
  const more = tensors === undefined ? [] : [floatTensor('residual.0', [2], Float32Array.of(1, 2), 'F32')]
  writeFileSync(path, writeSafetensors({ tensors: [...entries, ...more], metadata: change({ ...header.metadata }) }))
}

describe('a persona file', () => {
  it.each<[string, StoredPersona]>([
    ['steering', described],
    ['prompt+steering', both],
    ['prompt', described2],
    ['adapter', describedAdapter],
    ['steering that says nothing of itself', steering],
  ])('comes back whole: %s', async (kind, persona) => {
    const file = join(scratch, `whole-${kind}`)
    await writePersona(file, persona)
    const back = await readPersona(file)
    expect(back).toEqual(persona)
    expect(await contentHash(back)).toBe(await contentHash(persona))
    expect(await unpackPersona(JSON.parse(JSON.stringify(await packPersona(persona))))).toEqual(persona)
  })

  it('steers as before, to the last bit', async () => {
    await writePersona(path, described)
    const model = { shape, fingerprint }
    expect(compilePersona(await readPersona(path), model)).toEqual(compilePersona(described, model))
  })

  it('has the same bytes whenever and in whatever order of fields it is written', async () => {
    const { about, ...rest } = described
    await writePersona(path, { about, ...rest } as StoredPersona)
    const first = readFileSync(path)
    await writePersona(path, described)
    expect(readFileSync(path).equals(first)).toBe(true)
  })

  it('of format 1 is still read, and has the content hash of what it is', async () => {
    const old = await readPersona('test/golden/persona-format-1.safetensors')
    expect(old).toEqual(steering)
    expect(await contentHash(old)).toBe(await contentHash(steering))
  })

  it('states what another reader must know to apply it', async () => {
    await writePersona(path, described)
    const { metadata } = await readSafetensorsHeader(bytesSource(readFileSync(path)))
    expect(JSON.parse(metadata['palign.persona']!)).toMatchObject({
      ...{ format: 2, kind: 'steering', op: 'add', site: 'z', layerBase: 0, tokens: 'all', unit: 'sigma', alpha: 2 },
      ...{ alphas: { from: 0, to: 2 }, model: fingerprint, about: described.about },
    })
    expect(metadata).toMatchObject({ 'palign.sha256': await contentHash(described), format: 'pt' })
  })

  it('that was changed is refused: any field, any number, the hash itself', async () => {
    const refused = { code: 'malformed-file', message: expect.stringMatching(/changed after it was written/) }
    for (const [from, to] of [
      ['"alpha":2,', '"alpha":3,'],
      ['2027-01-02', '2037-01-02'],
      ['"owner":"key_1"', '"owner":"key_2"'],
      ['"weight":-0.5', '"weight":0.5'],
    ] as const) {
      await writePersona(path, described)
      await rewritten((metadata) => {
        const text = metadata['palign.persona']!
        expect(text).toContain(from)
        return { ...metadata, 'palign.persona': text.replace(from, to) }
      })
      await expect(readPersona(path), to).rejects.toMatchObject(refused)
    }
    await writePersona(path, described)
    const bytes = readFileSync(path)
    bytes[bytes.length - 2]! ^= 1
    writeFileSync(path, bytes)
    await expect(readPersona(path)).rejects.toMatchObject(refused)
    await writePersona(path, described)
    await rewritten((metadata) => ({ ...metadata, 'palign.sha256': '0'.repeat(64) }))
    await expect(readPersona(path)).rejects.toMatchObject(refused)
    await rewritten(({ 'palign.sha256': _, ...metadata }) => metadata)
    await expect(readPersona(path)).rejects.toThrow(/has no palign.sha256/)
  })

  it('that is an adapter and was changed is refused too', async () => {
    const folder = join(scratch, 'adapter')
    const record = join(folder, 'palign.json')
    await writePersona(folder, describedAdapter)
    writeFileSync(record, readFileSync(record, 'utf8').replace('2027-01-02', '2037-01-02'))
    await expect(readPersona(folder)).rejects.toThrow(/changed after it was written/)
    await writePersona(folder, describedAdapter)
    const weights = join(folder, 'adapter_model.safetensors')
    const bytes = readFileSync(weights)
    bytes[bytes.length - 2]! ^= 1
    writeFileSync(weights, bytes)
    await expect(readPersona(folder)).rejects.toThrow(/changed after it was written/)
  })

  it('keeps metadata of other tools, and refuses metadata and tensors that claim to be ours', async () => {
    await writePersona(path, steering)
    await rewritten((metadata) => ({ ...metadata, note: 'from a tool' }))
    expect(await readPersona(path)).toEqual({ ...steering, foreign: { note: 'from a tool' } })
    await rewritten((metadata) => ({ ...metadata, 'palign.later': '1' }))
    await expect(readPersona(path)).rejects.toThrow(/metadata "palign.later", which is not known/)
    await writePersona(path, steering)
    await rewritten((metadata) => metadata, {})
    await expect(readPersona(path)).rejects.toThrow(/tensor "residual.0", which is not known/)
  })

  it.each<[string, string, string, RegExp]>([
    ['another operation', '"op":"add"', '"op":"project"', /wrong at op/],
    ['another base of layers', '"layerBase":0', '"layerBase":1', /wrong at layerBase/],
    ['other tokens', '"tokens":"all"', '"tokens":"answer"', /wrong at tokens/],
    ['another site', '"site":"z"', '"site":"resid_post"', /wrong at site/],
    ['other alphas than it tried', '"to":2', '"to":9', /other alphas than its calibration tried/],
    ['a later format', '"format":2', '"format":3', /of format 3, expected 1 or 2/],
    ['an owner without end', '"owner":"key_1"', `"owner":"${'k'.repeat(300)}"`, /wrong at about.owner/],
    ['a time that is none', '2027-01-02T00:00:00.000Z', 'tomorrow', /wrong at about.expires/],
  ])('is refused with %s', async (_, from, to, message) => {
    await writePersona(path, described)
    await rewritten((metadata) => ({ ...metadata, 'palign.persona': metadata['palign.persona']!.replace(from, to) }))
    await expect(readPersona(path)).rejects.toThrow(message)
    await expect(readPersona(path)).rejects.toMatchObject({ code: 'malformed-file' })
  })

  it('gives its name, encrypted or not', () => {
    expect(['a/me.safetensors', 'me.safetensors.age', 'me.age', 'me/'].map(personaNameOf)).toEqual(['me', 'me', 'me', 'me'])
  })
})

describe('an encrypted persona file', () => {
  const passphrase = 'correct horse battery staple'
  const secret = join(scratch, 'secret', 'me.age')

  it('is read with its passphrase, asked for only then, and nothing plain touches the disk', async () => {
    await writePersona(path, described)
    const { mkdirSync } = await import('node:fs')
    mkdirSync(join(scratch, 'secret'))
    writeFileSync(secret, await encrypt(readFileSync(path), passphrase, { workFactor: 8 }))
    let asked = 0
    const ask = () => {
      asked++
      return passphrase
    }
    expect(await readPersona(path, { passphrase: ask })).toEqual(described)
    expect(asked).toBe(0)
    expect(await readPersona(secret, { passphrase: ask })).toEqual(described)
    expect(await readPersona(secret, { passphrase })).toEqual(described)
    expect(asked).toBe(1)
    expect(readdirSync(join(scratch, 'secret'))).toEqual(['me.age'])
  })

  it('is refused without a passphrase, and with a wrong one, each by its name', async () => {
    await expect(readPersona(secret)).rejects.toMatchObject({
      ...{ code: 'invalid-input', message: expect.stringMatching(/me.age is encrypted and no passphrase/) },
    })
    await expect(readPersona(secret, { passphrase: 'wrong' })).rejects.toMatchObject({
      ...{ code: 'malformed-file', message: expect.stringMatching(/me.age: .*passphrase is wrong/) },
    })
  })
})
