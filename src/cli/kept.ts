/** @file Where commands about kept answers and personas find them: a server, or a store that they open themselves; the same client speaks to both. */
import { PalignApiError, type PalignClient, palignClient } from '../client/index.ts'
import { PalignError, type PalignErrorCode } from '../errors.ts'
import { openStore } from '../node/open-store.ts'
import { readFileBounded } from '../node/read-file.ts'
import { storeApp } from '../server/life-routes.ts'
import { type StoreOptions, storeAddress } from './stores.ts'

export interface KeptOptions extends StoreOptions {
  readonly url?: string
  readonly apiKeyFile?: string
  readonly json?: boolean
}

/** @throws PalignError for what the server refuses: its own words, and the exit code that goes with them */
export async function withKept<T>(options: KeptOptions, work: (client: PalignClient) => Promise<T>): Promise<T> {
  const { client, close } = await open(options)
  try {
    return await work(client)
  } catch (error) {
    throw error instanceof PalignApiError ? told(error, options) : error
  } finally {
    await close()
  }
}

async function open(options: KeptOptions): Promise<{ readonly client: PalignClient; readonly close: () => Promise<void> }> {
  const { url, store, databaseUrlFile } = options
  if (url !== undefined) {
    if (store !== undefined || databaseUrlFile !== undefined) {
      throw new PalignError('invalid-input', '--url and a store were both given, expected one of them')
    }
    return { client: palignClient({ baseUrl: url, apiKey: await keyOf(options) }), close: async () => undefined }
  }
  const address = await storeAddress(options)
  if (address === undefined) {
    throw new PalignError('invalid-input', 'neither a server nor a store was named', {
      hint: 'give --url, --store or --database-url-file',
    })
  }
  const opened = await openStore(address)
  const app = storeApp(opened)
  const baseUrl = 'http://localhost'
  const fetch = async (path: string, { headers, ...init }: RequestInit) =>
    app.request(path, { ...init, headers: { ...(headers as Record<string, string>), host: 'localhost' } })
  return { client: palignClient({ baseUrl, fetch }), close: () => opened.close() }
}

async function keyOf({ apiKeyFile }: KeptOptions): Promise<string | undefined> {
  if (apiKeyFile === undefined) return process.env.PALIGN_API_KEY
  return new TextDecoder().decode(await readFileBounded(apiKeyFile, 4096)).trim()
}

const CODES: Readonly<Record<number, PalignErrorCode>> = { 404: 'not-found', 503: 'deadline-exceeded', 429: 'deadline-exceeded' }

function told({ message, status, code }: PalignApiError, { url }: KeptOptions): PalignError {
  if (code === 'connection_failed') {
    return new PalignError('not-found', `${message}: ${url}`, { hint: 'start palign serve --store there, or correct --url' })
  }
  return new PalignError(CODES[status ?? 0] ?? 'invalid-input', message, {
    ...(code === 'invalid_api_key' && { hint: 'give --api-key-file, or set PALIGN_API_KEY' }),
    ...(code === 'route_not_found' && { hint: 'start the server with --store' }),
  })
}

export function requireForce({ force }: { readonly force?: boolean }, what: string): void {
  if (force === true) return
  throw new PalignError('invalid-input', `${what} would be deleted for good`, { hint: 'give --force to do so' })
}
