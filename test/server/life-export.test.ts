import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type PersonaBundle, unpackPersona } from '../../src/node/persona-bundle.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { ADA, jsonOf, lifeServer, uploadOf } from './life.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-export-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('a persona that is exported', () => {
  it('says whose it is, what was agreed to and until when, also where that was shortened', async () => {
    const { ask, work, store } = await lifeServer({ kind: 'folder', folder: scratch }, echoModel({ contextLength: 1 << 16 }))
    const expires = new Date(Date.now() + 600_000).toISOString()
    const exported = async (name: string) => {
      const bundle = await jsonOf<PersonaBundle & { sha256: string }>(
        await ask(ADA, 'GET', `/api/personas/${name}/export?format=bundle`),
      )
      const hash = createHash('sha256').update(Buffer.from(bundle.files[0]!.base64, 'base64')).digest('hex')
      expect(bundle.sha256).toBe(hash)
      return unpackPersona({ format: bundle.format, files: bundle.files })
    }
    const text = 'I agree that my answers are used.'
    for (const [persona, consent] of [
      ['named', { given: true, version: 'study-1' }],
      ['worded', { given: true, text }],
    ] as const) {
      const { id: respondent } = await jsonOf(await ask(ADA, 'POST', '/api/respondents', uploadOf(0, { expires, consent })))
      await ask(ADA, 'POST', '/api/jobs', { kind: 'align', method: 'personality-prompt', respondent, persona })
    }
    await work()
    const time = expect.stringMatching(/^20.*Z$/)
    expect((await exported('named')).about).toMatchObject({
      ...{ owner: ADA.id, expires, created: time, consent: { version: 'study-1', time } },
    })
    // The words themselves stay with the answers.
    const version = `sha256:${createHash('sha256').update(text).digest('hex')}`
    expect((await exported('worded')).about).toMatchObject({ consent: { version, time } })

    const earlier = new Date(Date.now() + 300_000).toISOString()
    expect((await ask(ADA, 'PATCH', '/api/personas/named', { expires: earlier })).status).toBe(200)
    expect((await exported('named')).about).toMatchObject({ expires: earlier, owner: ADA.id })
    await store.close()
  })
})
