import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseEvaluationResult } from '../../../src/eval/evaluation-result.ts'
import { evaluationReport } from '../../../src/eval/report.ts'

const stored = () => JSON.parse(readFileSync('runs/results/papi-30-respondent.json', 'utf8')) as { model: string; rows: object[] }

describe('report of an evaluation', () => {
  it('shows every arm in a table and in both figures, and loads nothing', () => {
    const result = parseEvaluationResult(stored())
    const { html, markdown } = evaluationReport(result)
    for (const { arm, corrected } of result.rows) {
      expect(html.split(`>${arm}<`).length).toBeGreaterThan(3)
      expect(markdown).toContain(`| ${arm} | `)
      expect(markdown).toContain(corrected.sum!.toFixed(3))
    }
    expect(html).not.toMatch(/<script|src=|<link|url\(/)
  })

  it('lets nothing that the file says become markup', () => {
    const { html } = evaluationReport(parseEvaluationResult({ ...stored(), model: '<img onerror=x>&' }))
    expect(html).not.toContain('<img')
    expect(html).toContain('&lt;img onerror=x&gt;&amp;')
  })

  it('refuses what is no evaluation and says where', () => {
    expect(() => parseEvaluationResult({ ...stored(), rows: [{ arm: 3 }] })).toThrow(/rows\.0/)
    expect(() => parseEvaluationResult(null)).toThrow(/no evaluation/)
  })
})
