import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

describe('published package', () => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8', stdio: 'pipe' }),
  ) as [{ files: { path: string }[] }]
  const paths = packed.files.map(({ path }) => path)

  it('holds what a user needs', () => {
    for (const path of [
      'dist/node/index.js',
      'dist/index.d.ts',
      'dist/client/index.js',
      'dist/client/index.d.ts',
      'dist/cli/main.js',
      'dist/node/engine-worker.js',
      'data/ipip-neo.json',
      'models/respondent/model.safetensors',
      'LICENSE',
      'NOTICE',
      'README.md',
    ]) {
      expect(paths).toContain(path)
    }
  })

  it('holds nothing else: no tests, no results, no answers of persons', () => {
    const strange = paths.filter((path) => !/^(dist|data|models)\/|^(LICENSE|NOTICE|README\.md|package\.json)$/.test(path))
    expect(strange).toEqual([])
    expect(paths.filter((path) => /papi|test-set|dark-triad\.csv/i.test(path) && path.startsWith('data'))).toEqual([])
  })
})
