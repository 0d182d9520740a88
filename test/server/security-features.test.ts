/** What the server has not, numbers that come by persona files, and answers that a browser might take for a page (S-06, S-08, S-19). */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { floatTensor } from '../../src/formats/float-tensor.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { readPersona } from '../../src/node/persona-file.ts'
import type { SteeringPersona } from '../../src/persona/persona.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, chat, complete, get, hello, raw } from './asking.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-features-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('the list of routes (S-08)', () => {
  it('has none that runs a program, takes a file or speaks to another server', async () => {
    const { paths } = (await (await get(appOf(), '/openapi.json')).json()) as { paths: Record<string, object> }
    const routes = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    // A route that is new is looked at here before it is served.
    expect(routes.sort()).toEqual([
      'get /health',
      'get /metrics',
      'get /openapi.json',
      'get /props',
      'get /v1/models',
      'get /v1/models/{id}',
      'post /detokenize',
      'post /tokenize',
      'post /v1/chat/completions',
      'post /v1/completions',
    ])
  })

  it.each([
    '/slots',
    '/api/pull',
    '/api/create',
    '/v1/files',
    '/v1/images/generations',
    '/v1/load_lora_adapter',
    '/tools',
    '/mcp',
    '/rpc',
    '/shutdown',
  ])('has no %s', async (path) => {
    expect((await get(appOf(), path)).status).toBe(404)
  })
})

describe('the list of commands (S-08)', () => {
  it('has none that opens a shell or updates, and one that fetches models', () => {
    const help = execFileSync('node', ['dist/cli/main.js', '--help'], { encoding: 'utf8' })
    const verbs = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)/gm)].map(([, verb]) => verb)
    expect(verbs).toContain('serve')
    expect(
      verbs.filter((verb) => /shell|exec|run|pull|push|fetch|download|install|update|upgrade|plugin|rpc|tool/.test(verb!)),
    ).toEqual(['pull'])
  })
})

const { shape, fingerprint } = echoModel()
const steering: SteeringPersona = {
  kind: 'steering',
  method: 'pas',
  model: fingerprint,
  shape,
  site: 'z',
  unit: 'sigma',
  alpha: 1,
  interventions: [{ layer: 0, head: 0, direction: Float32Array.of(0.6, -0.8), sigma: 0.25 }],
  calibration: { loss: 'ranked-probability', curve: [{ alpha: 1, loss: 0.1 }], folds: 5 },
  provenance: { data: 'x.json', row: 0, questionnaire: 'ipip-neo-300', answered: 100, seed: 0, version: '0.1.0' },
}

/** The echo model has every character for a token, more than a file may say. */
const stored: SteeringPersona = { ...steering, shape: { ...shape, vocabSize: 9 } }

describe('numbers of a persona file (S-06)', () => {
  it('that would be infinite in the model start no server', () => {
    const at = (change: Partial<SteeringPersona>) => () =>
      appOf({ personas: [{ id: 'x', persona: { ...steering, ...change }, root: 'r' }] })
    expect(at({})).not.toThrow()
    const [one] = steering.interventions
    for (const change of [
      { alpha: 1e308, interventions: [{ ...one!, sigma: 1e308 }] },
      { alpha: Number.POSITIVE_INFINITY },
      { alpha: Number.NaN },
      { alpha: 3.5e38, interventions: [{ ...one!, sigma: 10 }] },
    ])
      expect(at(change)).toThrow(expect.objectContaining({ code: 'non-finite' }))
  })

  it.each<[string, (json: string) => string]>([
    ['no finite alpha', (json) => json.replace('"alpha":1', '"alpha":1e999')],
    ['an alpha that is text', (json) => json.replace('"alpha":1', '"alpha":"1"')],
    ['a negative sigma', (json) => json.replace('"sigma":0.25', '"sigma":-1')],
    ['half a head', (json) => json.replace('"head":0', '"head":0.5')],
    ['a head of another model', (json) => json.replace('"head":0', '"head":7')],
    ['a negative layer', (json) => json.replace('"layer":0', '"layer":-1')],
    ['a layer beyond all', (json) => json.replace('"layer":0', '"layer":9007199254740993')],
    ['a prototype', (json) => json.replace('{', '{"__proto__":{"alpha":2},')],
    ['a constructor', (json) => json.replace('{', '{"constructor":{},')],
    ['a field that is unknown', (json) => json.replace('{', '{"url":"http://x",')],
    ['nesting without end', (json) => json.replace('"alpha":1', `"alpha":${'['.repeat(200_000)}${']'.repeat(200_000)}`)],
  ])('are refused where it has %s', async (_, change) => {
    const path = join(scratch, 'persona.safetensors')
    const { interventions, ...rest } = stored
    const json = JSON.stringify({
      format: 1,
      ...rest,
      heads: interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma })),
    })
    const write = (text: string) =>
      writeFileSync(
        path,
        writeSafetensors({
          tensors: [floatTensor('directions', [1, 2], Float32Array.of(0.6, -0.8))],
          metadata: { 'palign.persona': text },
        }),
      )
    write(json)
    expect(await readPersona(path)).toEqual(stored)
    expect(change(json)).not.toBe(json)
    write(change(json))
    await expect(readPersona(path)).rejects.toMatchObject({ code: 'malformed-file' })
  })
})

describe('what a model or a client says (S-19)', () => {
  it('is never a page: JSON or events by their type, which no browser may guess again', async () => {
    const script = '<script>alert(1)</script>'
    const app = appOf({ model: echoModel({ says: () => script }) })
    const answers = [
      await chat(app, { ...hello, max_tokens: 99 }),
      await chat(app, { ...hello, stream: true }),
      await complete(app, { ...raw, max_tokens: 99 }),
      await chat(app, { ...hello, model: script }),
      await chat(app, { ...hello, persona: script }),
      await get(app, `/v1/models/${script}`),
      await get(app, `/${script}`),
    ]
    for (const answer of answers) {
      expect(answer.headers.get('content-type')).toMatch(/^(application\/json|text\/event-stream)/)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    }
    expect(await answers[0]!.text()).toContain(script)
  })
})
