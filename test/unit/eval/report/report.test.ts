import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseEvaluationResult } from '../../../../src/eval/evaluation-result.ts'
import { report } from '../../../../src/eval/report/report.ts'
import { parseResult } from '../../../../src/eval/report/results.ts'

const stored = () => JSON.parse(readFileSync('runs/results/papi-30-respondent.json', 'utf8')) as { model: string; rows: object[] }
const reported = (json: unknown) => report([{ name: 'result.json', result: parseResult(json) }])

describe('report of an evaluation', () => {
  it('shows every arm in a table, all but the far constants in both forest plots, and loads nothing', () => {
    const { html, markdown } = reported(stored())
    for (const { arm, corrected } of parseEvaluationResult(stored()).rows) {
      const isFar = /^constant-[1245]$/.test(arm)
      expect(html.split(`>${arm}<`).length).toBeGreaterThan(isFar ? 1 : 3)
      expect(markdown).toContain(`| ${arm} | `)
      expect(markdown).toContain(corrected.sum!.toFixed(3))
    }
    expect(html).not.toMatch(/<script|src=|<link|url\(/)
  })

  it('lets nothing that the file says become markup', () => {
    const { html } = reported({ ...stored(), model: '<img onerror=x>&' })
    expect(html).not.toContain('<img')
    expect(html).toContain('&lt;img onerror=x&gt;&amp;')
  })

  it('scores no arm that failed, and says why', () => {
    const { rows, ...rest } = stored()
    const [first, ...others] = rows as { arm: string; corrected: { sum: number } }[]
    const { html, markdown } = reported({ ...rest, rows: [{ ...first, failed: 'collapsed: one answer' }, ...others] })
    expect(markdown).toContain(`| ${first!.arm} | none | failed |`)
    expect(html).toContain(`${first!.arm} failed and has no score: collapsed: one answer.`)
    expect(html).not.toContain(`${first!.arm}: ${first!.corrected.sum.toFixed(3)}`)
  })

  it('names the file where several are of one kind', () => {
    const result = parseResult(stored())
    const { html } = report([
      { name: 'a.json', result },
      { name: 'b.json', result },
    ])
    expect(html).toContain('held-out items: a.json</h2>')
    expect(html).toContain('held-out items: b.json</h2>')
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('refuses what is no evaluation and says where', () => {
    expect(() => parseResult({ ...stored(), rows: [{ arm: 3 }] })).toThrow(/rows\.0/)
    expect(() => parseResult(null)).toThrow(/no evaluation/)
    expect(() => parseResult({ kind: 'weather' })).toThrow(/"weather", which no report shows/)
  })
})
