/** @file A `palign serve` in a process of its own, over a random model of the shape of SmolLM-135M with the demo model's small vocabulary, and over 256 random personas. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { modelShape } from '../src/graph/llama-config.ts'
import { fingerprintOf, readModelFolder } from '../src/node/model-folder.ts'
import { writePersona } from '../src/node/persona-file.ts'
import { type RandomModel, randomModel } from '../test/fixtures/random-model.ts'
import { randomPersonas } from '../test/fixtures/random-personas.ts'
import { json135m } from './model-135m.ts'

const DEMO = 'models/respondent'
/** Its tokenizer's. */
const DEMO_VOCABULARY = 3100
const PERSONAS = 256

export interface ServedModel {
  /** With /v1. */
  readonly url: string
  readonly model: RandomModel
  close(): Promise<void>
}

export async function servedModel(): Promise<ServedModel> {
  const folder = mkdtempSync(join(tmpdir(), 'palign-bench-'))
  const modelFolder = join(folder, 'model')
  const personaFolder = join(folder, 'personas')
  mkdirSync(modelFolder)
  mkdirSync(personaFolder)
  const json = json135m({ vocab_size: DEMO_VOCABULARY })
  const model = randomModel({ json })
  for (const [name, bytes] of model.files) writeFileSync(join(modelFolder, name), bytes)
  writeFileSync(join(modelFolder, 'config.json'), JSON.stringify(json))
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(DEMO, name), join(modelFolder, name))
  const { files } = await readModelFolder(modelFolder)
  const fingerprint = await fingerprintOf(modelFolder, files)
  const personas = randomPersonas({ model: { shape: modelShape(model.config), fingerprint }, count: PERSONAS })
  for (const [i, persona] of personas.entries()) await writePersona(join(personaFolder, `p${i}.safetensors`), persona)

  const server = serve(['--model', modelFolder, '--personas', personaFolder])
  const url = await readyUrl(server)
  return {
    url,
    model,
    async close() {
      server.kill('SIGTERM')
      if (server.exitCode === null) await once(server, 'exit')
      rmSync(folder, { recursive: true })
    },
  }
}

function serve(args: readonly string[]): ChildProcess {
  const limits = ['--running', `${PERSONAS}`, '--waiting', `${PERSONAS}`, '--kv-memory', '12000', '--log-level', 'silent']
  return spawn(process.execPath, ['dist/cli/main.js', 'serve', '--port', '0', '--json', ...limits, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function readyUrl(server: ChildProcess): Promise<string> {
  let text = ''
  for await (const line of createInterface({ input: server.stdout! })) {
    text += line
    try {
      return (JSON.parse(text) as { url: string }).url
    } catch {
      // The value goes on in the next line.
    }
  }
  throw new Error('server ended before it was ready')
}
