/** @file `palign serve`: a model and its personas behind the routes of the OpenAI API, on this machine. */
import { once } from 'node:events'
import { basename, resolve } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { PalignError } from '../errors.ts'
import type { GenerationLoad, LanguageModel } from '../model/language-model.ts'
import { describeBaseModel } from '../node/base-model.ts'
import { openStore, type Store } from '../node/open-store.ts'
import { readFileBounded } from '../node/read-file.ts'
import { serverApp } from '../server/app.ts'
import { type FrameOptions, loadingApp } from '../server/frame.ts'
import { LOOPBACK_HOSTS } from '../server/guard.ts'
import { defaultKeyFile, type KeyRing, keyRing, readKeys } from '../server/keys.ts'
import { type Listening, listen } from '../server/listen.ts'
import type { ShelvedPersona } from '../server/persona-shelf.ts'
import { readPersonaFolder } from '../server/read-personas.ts'
import type { Log } from '../server/request-log.ts'
import { testedPersonas } from '../server/shelf.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, note, print, printJson } from './output.ts'
import { givenPassphrase } from './passphrase.ts'
import { type ServedLife, serveLife } from './serve-life.ts'
import { type StoreOptions, storeAddress } from './stores.ts'

const MEBIBYTE = 2 ** 20

interface ServeOptions extends StoreOptions, ModelOptions {
  readonly name?: string
  readonly personas?: string
  readonly passphraseFile?: string
  readonly allowModelMismatch?: boolean
  readonly host: string
  readonly port: number
  readonly origin?: readonly string[]
  readonly apiKeyFile?: string
  readonly keys?: string
  readonly running: number
  readonly waiting: number
  readonly kvMemory: number
  readonly prefixMemory: number
  readonly perKey?: number
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  readonly requestSeconds: number
  readonly drainSeconds: number
  /** False leaves jobs to `palign work`. */
  readonly work: boolean
  readonly logLevel: string
  readonly json?: boolean
}

export async function serveCommand(options: ServeOptions): Promise<void> {
  const signal = interruptSignal('SIGINT', 'SIGTERM')
  const log = pino({ level: options.logLevel, base: null }, pino.destination({ fd: 2, sync: true }))
  const { host, port, origin: origins = [] } = options
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(host)
  const access = await accessOf(options, log)
  if (!isLoopback && !access.isAsked) {
    throw new PalignError('invalid-input', `address ${host} can be reached from other machines and no key is asked for`, {
      hint: 'make one with palign keys create, or give --api-key-file or PALIGN_API_KEY, or leave --host out',
    })
  }
  const frame: FrameOptions = {
    hosts: isLoopback ? LOOPBACK_HOSTS : undefined,
    origins,
    log,
    apiKey: access.apiKey,
    keys: access.keys,
  }
  // Not the database of DATABASE_URL alone: answers of persons are kept where somebody said so.
  const isKept = options.store !== undefined || options.databaseUrlFile !== undefined
  const address = isKept ? await storeAddress(options) : undefined
  const store = address && (await openStore(address))
  const server = await listen(loadingApp(frame).fetch, { host, port }).catch(async (error: unknown) => {
    await store?.close()
    throw error
  })
  let model: LanguageModel | undefined
  let life: ServedLife | undefined
  const stopping = new AbortController()
  try {
    const batchLimits = {
      mostRowBytes: options.kvMemory * MEBIBYTE,
      mostPrefixBytes: options.prefixMemory * MEBIBYTE,
    }
    const loading = openModel(options, { batchLimits })
    model = await unlessAborted(loading, signal)
    if (model !== undefined) {
      await ready(server, model, options, frame, { store, stopping: stopping.signal })
      if (store !== undefined)
        life = serveLife({
          store,
          model,
          folder: options.model,
          base: await describeBaseModel(options.model, options.dtype),
          isWorking: options.work,
          log,
          signal,
        })
    }
    if (!signal.aborted) await once(signal, 'abort')
    note('palign: no new requests; those in flight end first')
  } finally {
    await server.close({ graceMs: options.drainSeconds * 1000, cut: () => stopping.abort() })
    await life?.end()
    await store?.close()
    await model?.dispose()
  }
}

async function ready(
  server: Listening,
  model: LanguageModel,
  options: ServeOptions,
  frame: FrameOptions,
  { store, stopping }: { readonly store: Store | undefined; readonly stopping: AbortSignal },
): Promise<void> {
  const { allowModelMismatch } = options
  const personas = await personasOf(options, model)
  const name = options.name ?? basename(resolve(options.model))
  const { running, waiting, perKey, requestsPerMinute, tokensPerMinute } = options
  const app = serverApp({
    ...frame,
    model,
    name,
    personas,
    allowModelMismatch,
    running,
    waiting,
    keyLimits: { concurrency: perKey, requestsPerMinute, tokensPerMinute },
    times: { requestMs: options.requestSeconds * 1000 },
    gauges: { eventLoopGap: eventLoopGap(), kvCacheUsage: async () => kvCacheUsage(await model.generationLoad?.()) },
    stopping,
    life: store,
  })
  server.replace(app.fetch)
  const url = `${server.url}/v1`
  if (options.json) printJson({ url, model: name, personas: personas.map(({ id }) => `${name}@${id}`) })
  else print(`${name} with ${personas.length} personas at ${url}`)
}

/** A server has nobody to ask: the passphrase of encrypted personas is in a file or in the environment. */
async function personasOf(options: ServeOptions, model: LanguageModel): Promise<ShelvedPersona[]> {
  if (options.personas === undefined) return []
  const read = await readPersonaFolder(options.personas, { passphrase: await givenPassphrase(options) })
  return testedPersonas(read, model, options)
}

/** Undefined on the signal: a model that comes later is put away. */
async function unlessAborted(loading: Promise<LanguageModel>, signal: AbortSignal): Promise<LanguageModel | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const model = await Promise.race([loading, aborted])
  if (model === undefined) void loading.then((late) => late.dispose()).catch(() => undefined)
  return model
}

/** Of the room that texts may take, the share that those under way may come to need. */
function kvCacheUsage(load: GenerationLoad | undefined): number {
  return load === undefined || load.mostRowBytes === 0 ? 0 : load.rowBytes / load.mostRowBytes
}

const RESOLUTION_MS = 10

function eventLoopGap(): () => number {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  return () => {
    // What is measured is the time between two looks.
    const seconds = Math.max(0, delay.max / 1e9 - RESOLUTION_MS / 1e3)
    delay.reset()
    return seconds
  }
}

interface Access {
  readonly apiKey: string | undefined
  readonly keys: KeyRing | undefined
  /** Whether anybody could bring a good key, and must. */
  readonly isAsked: boolean
}

/** Keys of a file that was named, or of the usual one where it exists; and a single key that may do everything. */
async function accessOf({ keys: named, apiKeyFile }: ServeOptions, log: Log): Promise<Access> {
  const apiKey = await readKey(apiKeyFile)
  const path = named ?? defaultKeyFile()
  const stored = await readKeys(path)
  const isUsed = named !== undefined || stored.length > 0
  const keys = isUsed ? await keyRing({ path, onFailure: (error) => log.error({ error: String(error) }, 'keys') }) : undefined
  return { apiKey, keys, isAsked: apiKey !== undefined || stored.length > 0 }
}

/** From a file, or the environment: never from the command line, which others on the machine can see. */
async function readKey(file: string | undefined): Promise<string | undefined> {
  const key = file === undefined ? process.env.PALIGN_API_KEY : new TextDecoder().decode(await readFileBounded(file, 4096)).trim()
  if (key === undefined) return undefined
  if (/^[\x21-\x7e]{16,512}$/.test(key)) return key
  throw new PalignError('invalid-input', 'API key has fewer than 16 characters, or others than printable ASCII')
}
