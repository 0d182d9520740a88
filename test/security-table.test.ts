import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const page = readFileSync('docs/security.md', 'utf8')
const rows = [...page.matchAll(/^\| (S-\d\d) \|(.*)\|$/gm)].map(([, id, rest]) => {
  const cells = rest!.split(' | ').map((cell) => cell.trim())
  return { id: id!, here: cells[1]!, how: cells[2]!, shownBy: cells[3]!, cells: cells.length }
})

/** Test files of a cell, each with the names that stand behind it. */
function cited(cell: string): { readonly file: string; readonly names: readonly string[] }[] {
  return [...cell.matchAll(/`(test\/[^`]+)`([^`]*)/g)].map(([, file, rest]) => ({
    file: file!,
    names: [...rest!.matchAll(/"([^"]+)"/g)].map(([, name]) => name!),
  }))
}

describe('the table of docs/security.md', () => {
  it('has a row for each of the 25 incidents, in order and complete', () => {
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 25 }, (_, i) => `S-${String(i + 1).padStart(2, '0')}`))
    expect(rows.filter(({ cells }) => cells !== 4)).toEqual([])
    expect(rows.filter(({ here }) => !/^(applies|does not apply: )/.test(here))).toEqual([])
  })

  it.each(rows)('cites files and names of tests that there are: $id', ({ how, shownBy }) => {
    const tests = cited(shownBy)
    expect(tests.length).toBeGreaterThan(0)
    for (const { file, names } of tests) {
      expect(existsSync(file), file).toBe(true)
      expect(names.length, file).toBeGreaterThan(0)
      const source = readFileSync(file, 'utf8')
      for (const name of names) expect(source, `${file}: ${name}`).toContain(`'${name}', `)
    }
    const files = [...how.matchAll(/`((?:src|docs|test)\/[^`]+)`/g)].map(([, file]) => file!)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !existsSync(file))).toEqual([])
  })
})
