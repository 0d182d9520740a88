import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { markdownTable } from '../runs/markdown-table.ts'
import { publishedTable } from '../runs/published-table.ts'

const readme = readFileSync('README.md', 'utf8')
const tables = [...readme.matchAll(/<!-- table:([a-z0-9-]+) -->\n([\s\S]*?)\n<!-- \/table -->/g)]

describe('README', () => {
  it('has at least one table of results', () => {
    expect(tables.length).toBeGreaterThan(0)
  })

  it.each(tables.map(([, name, text]) => ({ name: name!, text: text! })))('shows the stored table $name', ({ name, text }) => {
    expect(text).toBe(markdownTable(name))
  })

  it('compares with the published numbers as the stored results do', () => {
    const page = readFileSync('docs/reproduction.md', 'utf8')
    expect(/<!-- published-table -->\n([\s\S]*?)\n<!-- \/published-table -->/.exec(page)?.[1]).toBe(publishedTable())
  })

  it('names the commit of every stored result in the result itself', () => {
    const files = readdirSync('runs/results').filter((file) => file.endsWith('.json'))
    for (const file of files) {
      const stored = JSON.parse(readFileSync(`runs/results/${file}`, 'utf8')) as {
        commit?: string
        environment?: { commit: string }
      }
      expect(stored.environment?.commit ?? stored.commit).toMatch(/^[0-9a-f]{40}$/)
    }
  })
})
