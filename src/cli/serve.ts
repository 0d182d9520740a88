/** @file `palign serve`: a model and its personas behind the routes of the OpenAI API, on this machine. */
import { once } from 'node:events'
import { basename, resolve } from 'node:path'
import { serve } from '@hono/node-server'
import { PalignError } from '../errors.ts'
import { loadModel } from '../node/load-model.ts'
import { readFileBounded } from '../node/read-file.ts'
import { serverApp } from '../server/app.ts'
import { LOOPBACK_HOSTS } from '../server/guard.ts'
import { readPersonaFolder } from '../server/read-personas.ts'
import { interruptSignal, note, print, printJson, reportError } from './output.ts'

interface ServeOptions {
  readonly model: string
  readonly name?: string
  readonly personas?: string
  readonly host: string
  readonly port: number
  readonly origin?: readonly string[]
  readonly apiKeyFile?: string
  readonly json?: boolean
}

export async function serveCommand(options: ServeOptions): Promise<void> {
  const signal = interruptSignal()
  const { host, port, origin: origins = [] } = options
  const apiKey = await readKey(options)
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(host)
  if (!isLoopback && apiKey === undefined) {
    throw new PalignError('invalid-input', `address ${host} can be reached from other machines and no key is asked for`, {
      hint: 'give --api-key-file or PALIGN_API_KEY, or leave --host out',
    })
  }
  const personas = options.personas === undefined ? [] : await readPersonaFolder(options.personas)
  const model = await loadModel(options.model)
  try {
    const name = options.name ?? basename(resolve(options.model))
    const hosts = isLoopback ? LOOPBACK_HOSTS : undefined
    const app = serverApp({ model, name, personas, hosts, origins, apiKey, onFailure: (error) => void reportError(error) })
    const server = serve({ fetch: app.fetch, hostname: host, port })
    await once(server, 'listening')
    const { port: bound } = server.address() as { port: number }
    const url = `http://${host}:${bound}/v1`
    if (options.json) printJson({ url, model: name, personas: personas.map(({ id }) => `${name}@${id}`) })
    else print(`${name} with ${personas.length} personas at ${url}`)
    if (!signal.aborted) await once(signal, 'abort')
    note('palign: no new requests; those in flight end first')
    const closed = once(server, 'close')
    server.close()
    await closed
  } finally {
    await model.dispose()
  }
}

/** From a file, or the environment: never from the command line, which others on the machine can see. */
async function readKey({ apiKeyFile }: ServeOptions): Promise<string | undefined> {
  const key =
    apiKeyFile === undefined
      ? process.env.PALIGN_API_KEY
      : new TextDecoder().decode(await readFileBounded(apiKeyFile, 4096)).trim()
  if (key === undefined) return undefined
  if (/^[\x21-\x7e]{16,512}$/.test(key)) return key
  throw new PalignError('invalid-input', 'API key has fewer than 16 characters, or others than printable ASCII')
}
