/** S-08, S-10, S-13, S-18, S-21, S-22: what others wrote and we install, and what our own code never does. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

interface Entry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as unknown
const manifest = read('package.json') as {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}
const lock = read('package-lock.json') as { readonly lockfileVersion: number; readonly packages: Readonly<Record<string, Entry>> }
const entries = Object.entries(lock.packages).filter(([path]) => path !== '')

/** What users install: everything that a dependency of ours asks for, however deep. */
function installed(): Map<string, Entry> {
  const found = new Map<string, Entry>()
  const resolve = (from: string, name: string): string | undefined => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`
      if (lock.packages[path] !== undefined) return path
      if (at === '') return undefined
    }
  }
  const open = Object.keys(manifest.dependencies).map((name) => resolve('', name))
  for (let path = open.pop(); open.length > 0 || path !== undefined; path = open.pop()) {
    if (path === undefined || found.has(path)) continue
    const entry = lock.packages[path]!
    found.set(path, entry)
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) open.push(resolve(path, name))
  }
  return found
}

const source = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const textOf = (file: string) => readFileSync(join('src', file), 'utf8')
/** Files of ours with what matches, comments left out. */
const filesWith = (pattern: RegExp) =>
  source.filter((file) => pattern.test(textOf(file).replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, ''))).sort()

describe('the lock file (S-18, S-22)', () => {
  it('has a hash for every package, and no other place than the registry', () => {
    expect(lock.lockfileVersion).toBe(3)
    expect(entries.length).toBeGreaterThan(200)
    const wrong = entries.filter(
      ([, { integrity, resolved, version, link }]) =>
        link === true ||
        !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '') ||
        !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version ?? '') ||
        // Without an address npm asks the registry it is set to; with one it must be the public one.
        (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    )
    expect(wrong.map(([path]) => path)).toEqual([])
  })

  it('asks for nothing by git, file or address', () => {
    const asked = entries.flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.entries({ ...dependencies, ...optionalDependencies }).map(([name, range]) => [path, name, range] as const),
    )
    expect(asked.length).toBeGreaterThan(200)
    expect(asked.filter(([, , range]) => /^(git|file|link|http|github|[\w-]+\/[\w-]+$)/.test(range))).toEqual([])
  })

  it('has five packages with an install script, none of which is needed', () => {
    const scripted = entries
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace('node_modules/', ''))
    expect(scripted).toEqual(['@photostructure/sqlite', 'esbuild', 'node-llama-cpp', 'onnxruntime-node', 'protobufjs'])
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^onnxruntime-node-install=skip$/m)
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare|publish)/.test(name))).toEqual([])
  })

  it('agrees with package.json, whose versions are exact', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)])
      expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version])
    }
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^save-exact=true$/m)
  })
})

describe('what users install (S-22)', () => {
  it('is what docs/decisions gives reasons for, and nothing that is not used', () => {
    const decisions = readdirSync('docs/decisions').map((file) => readFileSync(join('docs/decisions', file), 'utf8'))
    const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    expect(named.filter((name) => !decisions.some((text) => text.includes(name)))).toEqual([])
    const text = source.map(textOf).join('\n')
    expect(named.filter((name) => !text.includes(`'${name}`))).toEqual([])
  })

  it('is a short list', () => {
    expect([...installed().keys()].length).toBeLessThanOrEqual(68)
    expect([...installed().values()].filter(({ dev }) => dev)).toEqual([])
  })

  it('has no parser of protocol buffers (S-18) and unpacks no archives (S-21)', () => {
    const names = [...installed().keys()].map((path) => path.replace(/^.*node_modules\//, ''))
    expect(names.filter((name) => /protobuf|^protons/.test(name))).toEqual([])
    const archives = names.filter((name) =>
      /(^|[-_.])(tar|zip|unzip|rar|7z|decompress|extract|yauzl|yazl|jszip|fflate|pako)/.test(name),
    )
    // Of the install script of onnxruntime-node, which is switched off.
    expect(archives).toEqual(['adm-zip'])
    const askers = [...installed()].filter(([, { dependencies }]) => dependencies?.['adm-zip'] !== undefined)
    expect(askers.map(([path]) => path)).toEqual(['node_modules/onnxruntime-node'])
    expect(readFileSync('node_modules/onnxruntime-node/dist/index.js', 'utf8')).not.toMatch(/adm-zip|global-agent/)
  })
})

describe('our own code', () => {
  it('runs no other program and no code out of text (S-08, S-10)', () => {
    expect(
      filesWith(/child_process|node:vm|node:cluster|\beval\(|new Function\(|\bcreateRequire\(|process\.binding|wasi/),
    ).toEqual([])
    // A thread runs a file of ours, by a name that stands in the source.
    const threads = source.flatMap((file) => [...textOf(file).matchAll(/new Worker\(\s*([^,)]*)/g)].map(([, what]) => what))
    expect(threads.length).toBeGreaterThan(1)
    expect(threads.filter((what) => !/^new URL\('\.\/[a-z-]+\.js'$/.test(what!))).toEqual([])
    const imported = source.flatMap((file) => [...textOf(file).matchAll(/\bimport\(\s*([^)]*)\)/g)].map(([, what]) => what))
    expect(imported.filter((what) => !/^'[^']+'$/.test(what!))).toEqual([])
  })

  it('asks the network in the client, of judges that the operator names, and of the hub for models (S-13)', () => {
    expect(filesWith(/(?<![\w.])fetch\(|\bundici\b|node:https|node:dns|node:dgram|WebSocket|XMLHttpRequest/)).toEqual([
      'client/transport.ts',
      'node/hub-request.ts',
      'node/judge-client.ts',
    ])
    // Of the hub's redirects the ranges of addresses are needed, no socket.
    expect(filesWith(/from 'node:(http|net|tls|http2)'/)).toEqual(['node/hub-request.ts', 'server/listen.ts'])
    expect(textOf('node/hub-request.ts')).toMatch(/import \{ BlockList, isIP \} from 'node:net'/)
    expect(textOf('server/listen.ts')).not.toMatch(/\b(connect|createConnection|request|get)\(/)
    // A server downloads nothing, whoever asks it to.
    expect(filesWith(/\b(pullModel|askHub|readHubRepository)\b/).filter((file) => file.startsWith('server/'))).toEqual([])
  })

  it('unpacks gzip in one place, with a bound on what comes out (S-05, S-21)', () => {
    expect(filesWith(/node:zlib|DecompressionStream/)).toEqual(['node/read-json-lines.ts'])
    expect(textOf('node/read-json-lines.ts')).toMatch(/maxOutputLength/)
  })
})
