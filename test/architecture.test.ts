import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src')

/** Folder -> folders it may import from. DESIGN.md carries the same table; the last test compares them. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  math: [],
  items: ['math'],
  people: ['items', 'math'],
  model: ['math'],
  activations: ['model', 'items', 'people', 'math'],
  probes: ['activations', 'model', 'items', 'math'],
  persona: ['probes', 'model', 'items', 'math'],
  align: ['persona', 'probes', 'activations', 'model', 'people', 'items', 'math'],
  formats: ['math'],
  graph: ['formats', 'model', 'math'],
  engine: ['graph', 'formats', 'model', 'math'],
  train: ['graph', 'engine', 'formats', 'model', 'math'],
  chat: ['persona', 'model'],
  eval: ['align', 'persona', 'people', 'items', 'model', 'math'],
  export: ['persona', 'graph', 'formats', 'model', 'math'],
  store: ['persona', 'people', 'items', 'eval'],
  node: [
    'engine',
    'train',
    'graph',
    'formats',
    'activations',
    'persona',
    'items',
    'model',
    'export',
    'store',
    'math',
    'index.ts',
  ],
  server: ['chat', 'eval', 'align', 'persona', 'people', 'items', 'model', 'math', 'store', 'node'],
  client: [],
  cli: ['*'],
  'index.ts': ['math', 'items', 'people', 'model', 'activations', 'probes', 'persona', 'align', 'eval', 'engine'],
}
const MAY_USE_NODE = ['node', 'server', 'cli']
const MAY_USE_ONNXRUNTIME = ['node']

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const folderOf = (path: string) => relative(source, path).split('/')[0] ?? ''

function importsOf(file: string): { specifier: string; typeOnly: boolean }[] {
  const text = readFileSync(join(source, file), 'utf8')
  const pattern = /(?:^|\n)\s*(?:import|export)\s(type\s)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/g
  return [...text.matchAll(pattern)].map((match) => ({ specifier: match[2] ?? match[3] ?? '', typeOnly: match[1] !== undefined }))
}

describe('architecture', () => {
  it('has a row in the import table for every folder', () => {
    const folders = new Set(files.map((file) => file.split('/')[0]).filter((name) => name !== 'errors.ts'))
    expect([...folders].filter((folder) => !(folder !== undefined && folder in MAY_IMPORT))).toEqual([])
  })

  it('imports only what the table allows', () => {
    const violations: string[] = []
    for (const file of files) {
      const from = folderOf(join(source, file))
      const allowed = MAY_IMPORT[from] ?? []
      for (const { specifier, typeOnly } of importsOf(file)) {
        if (specifier.startsWith('node:') && !MAY_USE_NODE.includes(from)) violations.push(`${file}: ${specifier}`)
        if (/^onnxruntime-(node|web)/.test(specifier) && !MAY_USE_ONNXRUNTIME.includes(from))
          violations.push(`${file}: ${specifier}`)
        if (specifier === 'onnxruntime-common' && !typeOnly) violations.push(`${file}: ${specifier} must be a type import`)
        if (!specifier.startsWith('.')) continue
        const target = resolve(dirname(join(source, file)), specifier)
        if (!target.startsWith(`${source}/`)) continue
        const to = folderOf(target)
        if (to === from || to === 'errors.ts' || allowed.includes('*') || allowed.includes(to)) continue
        violations.push(`${file} imports ${to}`)
      }
    }
    expect(violations).toEqual([])
  })

  it('opens every file with what it is', () => {
    const silent = files.filter(
      (file) =>
        !readFileSync(join(source, file), 'utf8')
          .replace(/^#!.*\n/, '')
          .startsWith('/** @file') &&
        !readFileSync(join(source, file), 'utf8')
          .replace(/^#!.*\n/, '')
          .startsWith('/**\n * @file'),
    )
    expect(silent).toEqual([])
  })

  it('keeps every file under 400 lines', () => {
    const long = files.filter((file) => readFileSync(join(source, file), 'utf8').split('\n').length > 400)
    expect(long).toEqual([])
  })

  it('is the table that DESIGN.md shows', () => {
    const table = readFileSync(join(root, 'DESIGN.md'), 'utf8').split(/<!-- \/?import-table -->/)[1] ?? ''
    const rows = [...table.matchAll(/^\|\s*(\w+)\s*\|\s*(.+?)\s*\|$/gm)].slice(1).map(([, folder, allowed]) => [folder, allowed])
    const written = (allowed: readonly string[]) =>
      allowed.length === 0 ? 'nothing' : allowed[0] === '*' ? 'everything' : allowed.join(', ')
    const expected = Object.entries(MAY_IMPORT).filter(([folder]) => folder !== 'index.ts')
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected.map(([folder, allowed]) => [folder, written(allowed)])))
  })
})
