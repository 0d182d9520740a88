import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'

/** About a fifth above what it is: to grow beyond it is a decision. */
const MOST_BYTES = 10_500

const scratch = mkdtempSync(join(tmpdir(), 'palign-client-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const bundled = await build({
  stdin: { contents: "export * from 'palign/client'", resolveDir: resolve('.') },
  bundle: true,
  platform: 'browser',
  format: 'iife',
  globalName: 'palign',
  minify: true,
  write: false,
  metafile: true,
})
const text = bundled.outputFiles[0]!.text

describe('palign/client as it is published', () => {
  it('consists of its own folder alone', () => {
    const inputs = Object.keys(bundled.metafile.inputs).filter((path) => path !== '<stdin>')
    expect(inputs.length).toBeGreaterThan(1)
    expect(inputs.filter((path) => !path.startsWith('dist/client/'))).toEqual([])
  })

  it('names no module of Node', () => {
    const files = readdirSync('dist/client').map((name) => readFileSync(join('dist/client', name), 'utf8'))
    expect(files.filter((content) => /node:|\brequire\(|types="node"/.test(content))).toEqual([])
  })

  it(`has at most ${MOST_BYTES} bytes in a bundle for browsers`, () => {
    expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(MOST_BYTES)
  })

  it('answers where there is nothing but what browsers have too', async () => {
    const web = { AbortController, AbortSignal, DOMException, TextDecoder, clearTimeout, setTimeout }
    const answer = Response.json({ error: { message: 'no', type: 'x', param: null, code: 'persona_not_found' } }, { status: 404 })
    const asked: string[] = []
    const fetch = async (url: string) => {
      asked.push(url)
      return asked.length === 1 ? Response.json({ status: 'ok' }) : answer
    }
    const script = `${text}
      const client = palign.palignClient({ baseUrl: '' })
      Promise.all([client.health(), client.models.get('m@x').catch((error) => [error instanceof palign.PalignApiError, error.code])])`
    const [health, error] = (await runInNewContext(script, { ...web, fetch })) as [unknown, unknown[]]
    expect(health).toEqual({ status: 'ok' })
    expect([...error]).toEqual([true, 'persona_not_found'])
    expect(asked).toEqual(['/health', '/v1/models/m%40x'])
  })

  it('has types that need no types of Node', () => {
    const file = join(scratch, 'page.ts')
    const source = `import { palignClient, type ChatEvent } from ${JSON.stringify(resolve('dist/client/index.js'))}
      export async function* texts(): AsyncGenerator<string> {
        const client = palignClient({ baseUrl: '', fetch: (url, init) => window.fetch(url, init) })
        const events: AsyncIterable<ChatEvent> = client.chat.stream({ model: 'm', messages: [{ role: 'user', content: 'hi' }] })
        for await (const event of events) if (event.kind === 'text') yield event.text
      }`
    writeFileSync(file, source)
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--module', 'esnext']
    const check = [
      'node_modules/typescript/bin/tsc',
      ...options,
      '--moduleResolution',
      'bundler',
      '--types',
      '',
      '--ignoreConfig',
      file,
    ]
    expect(() => execFileSync('node', check, { encoding: 'utf8', stdio: 'pipe' })).not.toThrow()
  })
})
