/**
 * @file Requests to a hub. Redirects are followed by hand: each address is checked, and the token goes to the hub's own origin and nowhere else.
 */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { PalignError } from '../errors.ts'
import { readFileBounded } from './read-file.ts'

export interface Hub {
  /** Without a slash at its end, without query. */
  readonly address: string
  readonly token: string | undefined
}

/** Addresses of a host by its name. */
export type ResolveHost = (host: string) => Promise<readonly string[]>

export interface HubRequest {
  /** Parts of the path below the hub's address; each is escaped. */
  readonly path: readonly string[]
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  readonly resolveHost?: ResolveHost | undefined
}

const PUBLIC_HUB = 'https://huggingface.co'
const MAX_TOKEN_BYTES = 4096
const MAX_REDIRECTS = 5

/** @throws PalignError `invalid-input` for an address that is none, holds credentials, or is neither https nor this machine */
export function hubAt(address: string | undefined, token?: string): Hub {
  const text = address ?? PUBLIC_HUB
  if (!URL.canParse(text)) throw new PalignError('invalid-input', 'hub address is no URL, expected one such as https://host')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw new PalignError('invalid-input', `hub address of ${url.host} holds credentials`, { hint: 'use --token-file' })
  }
  if (url.protocol !== 'https:' && !isLoopbackHttp(url)) {
    throw new PalignError('invalid-input', `hub address of ${url.host} has the scheme ${url.protocol}, expected https:`, {
      hint: 'http: is taken for this machine only',
    })
  }
  return { address: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, token }
}

/**
 * From the file, else `PALIGN_HUB_TOKEN`, else `HF_TOKEN`.
 * @throws PalignError `invalid-input` for what cannot be sent as a header; the token is not in the message
 */
export async function readHubToken(tokenFile: string | undefined, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const text =
    tokenFile === undefined
      ? (environment.PALIGN_HUB_TOKEN ?? environment.HF_TOKEN)
      : new TextDecoder().decode(await readFileBounded(tokenFile, MAX_TOKEN_BYTES))
  const token = text?.trim()
  if (token === undefined || (token === '' && tokenFile === undefined)) return undefined
  // fetch would quote it in its own error.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new PalignError('invalid-input', 'hub token is empty or has characters that no token has', {
      hint: 'expected one line of letters, digits and signs',
    })
  }
  return token
}

/** The first reply that is no redirect. @throws PalignError `engine-failed` for a redirect that may not be followed; what fetch throws */
export async function askHub(hub: Hub, request: HubRequest): Promise<Response> {
  const { path, query = '', headers, signal, resolveHost = resolveByName } = request
  const { origin } = new URL(hub.address)
  let url = new URL(`${hub.address}/${path.map(encodeURIComponent).join('/')}${query}`)
  let { token } = hub
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await fetch(url, {
      headers: { 'user-agent': 'palign', ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      redirect: 'manual',
      ...(signal !== undefined && { signal }),
    })
    const location = response.headers.get('location')
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response
    await response.body?.cancel()
    url = await checkRedirect(hub, url, location, resolveHost)
    // Not even where a foreign host sends us back.
    if (url.origin !== origin) token = undefined
  }
  throw new PalignError('engine-failed', `hub ${new URL(hub.address).host} redirects more than ${MAX_REDIRECTS} times`)
}

/**
 * Where a redirect leads. Over https the name is in the certificate, so a name whose address changes after it was looked up reaches nothing that is not its own.
 * @throws PalignError `engine-failed` for plain http, credentials, or an address of a private network that the hub is not itself in
 */
export async function checkRedirect(hub: Hub, from: URL, location: string, resolveHost: ResolveHost): Promise<URL> {
  const home = new URL(hub.address)
  const refuse = (what: string) => new PalignError('engine-failed', `redirect of ${from.host} ${what}, it is not followed`)
  if (!URL.canParse(location, from.href)) throw refuse('leads to no URL')
  const to = new URL(location, from)
  if (to.username !== '' || to.password !== '') throw refuse(`to ${to.host} holds credentials`)
  if (to.origin === home.origin) return to
  if (to.protocol !== 'https:' && !(isLoopbackHttp(home) && isLoopbackHttp(to))) {
    throw refuse(`to ${to.host} has the scheme ${to.protocol}`)
  }
  if ((await isPrivate(to, resolveHost)) && !(await isPrivate(home, resolveHost))) {
    throw refuse(`to ${to.host} leads into a private network`)
  }
  return to
}

const resolveByName: ResolveHost = async (host) => (await lookup(host, { all: true })).map(({ address }) => address)

/** Addresses that are no public host's: RFC 6890, and what is translated to such. */
function privateAddresses(): BlockList {
  const list = new BlockList()
  const v4 = ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24']
  for (const range of [...v4, '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4']) {
    const [network, bits] = range.split('/')
    list.addSubnet(network!, Number(bits), 'ipv4')
  }
  for (const range of ['::/127', '64:ff9b::/96', '100::/64', 'fc00::/7', 'fe80::/10', 'ff00::/8']) {
    const [network, bits] = range.split('/')
    list.addSubnet(network!, Number(bits), 'ipv6')
  }
  return list
}

async function isPrivate(url: URL, resolveHost: ResolveHost): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await resolveHost(host) : [host]
  const list = privateAddresses()
  return addresses.some((address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
}

function isLoopbackHttp({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
