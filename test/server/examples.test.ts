import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { loadModel } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { alignedPersonas } from '../fixtures/aligned-personas.ts'
import { type Listening, listening, scriptedApp } from './listening.ts'

const run = promisify(execFile)
const EXAMPLES = readdirSync('examples').filter((name) => name.endsWith('.ts'))

let model: LanguageModel
let server: Listening
const asked: unknown[] = []

beforeAll(async () => {
  model = await loadModel('models/respondent')
  const personas = await alignedPersonas(model)
  const recording: LanguageModel = {
    ...model,
    generate(request) {
      asked.push(request.displacement)
      return model.generate(request)
    },
  }
  server = await listening(scriptedApp({ model: recording, name: 'respondent', personas }))
})
afterAll(async () => {
  await server.close()
  await model.dispose()
})

describe('the example', () => {
  it.each(EXAMPLES)('%s chats, streams as a persona and shows why nobody answers', async (name) => {
    asked.length = 0
    const env = { ...process.env, PALIGN_URL: server.url, PALIGN_PERSONA: 'p1' }
    const { stdout, stderr } = await run('node', ['--import', 'tsx', `examples/${name}`], { env })
    expect(stderr).toBe('')
    // The model writes what it likes; that it wrote something is what an example has to show.
    expect(stdout).toMatch(/^unsteered: \S/m)
    expect(stdout).toMatch(/^p1: \S[\s\S]*\n[1-9]\d* tokens$/m)
    expect(stdout).toMatch(/^refused: persona_not_found: .*"nobody" does not exist/m)
    expect(asked).toEqual([undefined, expect.any(Float32Array)])
  })

  it.each(EXAMPLES)('%s says how it is run, in at most sixty lines', (name) => {
    const text = readFileSync(`examples/${name}`, 'utf8')
    expect(text).toContain(`npx tsx examples/${name}`)
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(60)
  })

  it('is there for each library', () => {
    expect(EXAMPLES).toEqual(['ai-sdk.ts', 'langchain.ts', 'openai.ts', 'palign-client.ts'])
  })
})
