/** S-01 and S-05: names that a request or a folder brings never lead to another file, and what cannot be read is refused. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { linearModules } from '../../src/graph/weights.ts'
import { writeAdapterFolder } from '../../src/node/adapter-folder.ts'
import { writePersona } from '../../src/node/persona-file.ts'
import { keyRing, readKeys } from '../../src/server/keys.ts'
import { readPersonaFolder } from '../../src/server/read-personas.ts'
import { randomAdapter } from '../fixtures/random-adapter.ts'
import { randomModel } from '../fixtures/random-model.ts'
import { appOf, calm, chat, get, hello, problemOf } from './asking.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-names-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const folder = () => mkdtempSync(join(scratch, 'personas-'))
const adapter = randomAdapter(linearModules(randomModel().config), { rank: 1 })

const WINDOWS = ['CON', 'con', 'NUL', 'aux', 'COM1', 'lpt9.safetensors', 'prn.txt']
const TRICKS = [
  ...['../calm', '..', '.', './calm', '../../etc/passwd', '/etc/passwd', '..\\calm', '\\\\host\\share', 'C:calm', 'C:\\calm'],
  ...[
    '%2e%2e%2fcalm',
    '%2e%2e/calm',
    '..%2fcalm',
    '..%5ccalm',
    '%00calm',
    'calm%00.safetensors',
    'calm\u0000',
    'calm\n',
    ' calm',
    'calm ',
  ],
  ...[
    'CALM',
    'Calm',
    'c\u0430lm',
    'ca\u217Cm',
    'calm\u200B',
    '\uFF43alm',
    'calm\u0301',
    'calm.',
    'calm/',
    'calm;x',
    'file:calm',
    '~/calm',
    '$HOME',
    '-calm',
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', ...WINDOWS],
]
const bits = fc.constantFrom(
  '..',
  '/',
  '\\',
  '%2e',
  '%2f',
  '%00',
  '\u0000',
  'C:',
  'calm',
  '.',
  ' ',
  'c\u0430lm',
  '\u2024\u2024\u2215',
  'con',
  '.safetensors',
)
const tricky = fc.array(bits, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''))

describe('ids in requests (S-01)', () => {
  const app = appOf()

  it('lead to a persona only by its exact name, in every place where one stands', async () => {
    const check = async (id: string) => {
      fc.pre(id !== 'calm')
      for (const body of [{ persona: id }, { persona: { id } }, { persona: [{ id }] }, { model: `echo@${id}` }]) {
        const response = await chat(app, { ...hello, ...body })
        expect([id, response.status]).toEqual([id, id.length > 64 ? 400 : 404])
        expect(response.headers.get('x-persona-id')).toBeNull()
      }
      expect((await chat(app, { ...hello, model: id })).status).toBe(404)
    }
    for (const id of TRICKS) await check(id)
    await fc.assert(fc.asyncProperty(tricky, check), { numRuns: 300 })
  })

  it('lead nowhere in a header', async () => {
    // The platform trims a header, and refuses what is not Latin-1.
    for (const id of TRICKS.filter((id) => !/[^\x21-\x7e]|;/.test(id)))
      expect([id, (await chat(app, hello, { 'x-persona': id })).status]).toEqual([id, 404])
  })

  it('lead nowhere in a path', async () => {
    for (const id of [...TRICKS, ...TRICKS.map(encodeURIComponent), ...TRICKS.map((id) => `echo%40${encodeURIComponent(id)}`)]) {
      const response = await get(app, `/v1/models/${id}`)
      // What the URL itself makes of dots may be another route, never another model.
      if (response.status === 200) expect(await response.json()).toMatchObject({ object: expect.not.stringMatching('^model$') })
      else expect([id, response.status]).toEqual([id, 404])
    }
  })

  it('say nothing of whether a file of that name exists (S-05)', async () => {
    const answers = ['/etc/passwd', '/etc/passwd-that-is-not-there'].map(async (id) => {
      const { message, ...rest } = await problemOf(await chat(app, { ...hello, persona: id }))
      return { ...rest, message: message.replace(JSON.stringify(id), 'ID') }
    })
    const [existing, absent] = await Promise.all(answers)
    expect(existing).toEqual(absent)
  })
})

describe('names of personas (S-01)', () => {
  it('are letters, digits and . _ - or the server does not start', async () => {
    for (const id of TRICKS.filter((id) => !/^[a-z0-9][a-z0-9._-]*$/.test(id)))
      expect(() => appOf({ personas: [{ id, persona: calm, root: 'r' }] })).toThrow(/has the id/)
  })

  it('are those of files: one with another name starts no server', async () => {
    for (const name of ['..x', 'A', 'a b', 'caf\u00E9', '%2e', 'a\\b']) {
      const personas = folder()
      await writePersona(join(personas, `${name}.safetensors`), calm)
      const read = await readPersonaFolder(personas)
      expect(() => appOf({ personas: read })).toThrow(/has the id/)
    }
  })
})

describe('a folder of personas', () => {
  it('is read, adapters and links that stay inside it too', async () => {
    const personas = folder()
    await writePersona(join(personas, 'calm.safetensors'), calm)
    await writeAdapterFolder(join(personas, 'dpo'), { adapter, base: undefined, origin: { model: undefined, method: undefined } })
    symlinkSync('calm.safetensors', join(personas, 'same.safetensors'))
    writeFileSync(join(personas, 'notes.txt'), 'passed over')
    mkdirSync(join(personas, 'empty'))
    expect((await readPersonaFolder(personas)).map(({ id }) => id)).toEqual(['calm', 'dpo', 'same'])
  })

  it('is refused with a link that leaves it, to a file, to a folder and inside an adapter (S-01)', async () => {
    const outside = folder()
    await writePersona(join(outside, 'calm.safetensors'), calm)
    await writeAdapterFolder(join(outside, 'dpo'), { adapter, base: undefined, origin: { model: undefined, method: undefined } })
    const links: readonly ((personas: string) => void)[] = [
      (personas) => symlinkSync(join(outside, 'calm.safetensors'), join(personas, 'calm.safetensors')),
      (personas) => symlinkSync(join(outside, 'dpo'), join(personas, 'dpo')),
      ...['adapter_config.json', 'adapter_model.safetensors'].map((name) => (personas: string) => {
        mkdirSync(join(personas, 'dpo'))
        for (const file of ['adapter_config.json', 'adapter_model.safetensors']) {
          if (file === name) symlinkSync(join(outside, 'dpo', file), join(personas, 'dpo', file))
          else execFileSync('cp', [join(outside, 'dpo', file), join(personas, 'dpo')])
        }
      }),
    ]
    for (const link of links) {
      const personas = folder()
      link(personas)
      await expect(readPersonaFolder(personas)).rejects.toThrow('is a link that leaves its folder')
    }
  })

  it('is refused with a pipe, a device or a dead link in place of a file, and nothing waits (S-05)', async () => {
    for (const make of [
      (path: string) => execFileSync('mkfifo', [path]),
      (path: string) => symlinkSync('/dev/zero', path),
      (path: string) => symlinkSync('nowhere', path),
    ]) {
      const personas = folder()
      make(join(personas, 'calm.safetensors'))
      await expect(readPersonaFolder(personas)).rejects.toMatchObject({ name: 'PalignError' })
    }
  })

  it('is refused with an adapter that is a pickle, by name (S-09)', async () => {
    const personas = folder()
    mkdirSync(join(personas, 'dpo'))
    writeFileSync(join(personas, 'dpo', 'adapter_config.json'), '{}')
    writeFileSync(join(personas, 'dpo', 'adapter_model.bin'), 'x')
    await expect(readPersonaFolder(personas)).rejects.toThrow(/adapter_model.bin, which runs code when read/)
  })
})

describe('a file of keys', () => {
  it('is no pipe and no device, at first or later (S-05)', async () => {
    const path = join(scratch, 'keys-pipe.json')
    execFileSync('mkfifo', [path])
    await expect(readKeys(path)).rejects.toThrow('not a regular file')
    await expect(keyRing({ path: '/dev/zero' })).rejects.toThrow('not a regular file')
    const later = join(scratch, 'keys.json')
    writeFileSync(later, '{"version":1,"keys":[]}')
    const failures: unknown[] = []
    const ring = await keyRing({ path: later, onFailure: (error) => failures.push(error) })
    rmSync(later)
    execFileSync('mkfifo', [later])
    expect(await ring.find(Buffer.alloc(32))).toBeUndefined()
    expect(failures).toHaveLength(1)
  })

  it('is bounded in size and in depth', async () => {
    const path = join(scratch, 'keys-big.json')
    writeFileSync(path, Buffer.alloc((8 << 20) + 1, 0x20))
    await expect(readKeys(path)).rejects.toThrow('at most 8388608 are read')
    writeFileSync(path, `${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    await expect(readKeys(path)).rejects.toThrow('nesting deeper than 64')
  })
})
