/**
 * @file The report of stored results: one HTML page, and the same tables as Markdown. Everything shown is in the results; nothing is computed but
 * differences of what stands there.
 */
import { htmlPage, markdownPage } from './page.ts'
import type { ReportedResult } from './results.ts'

export interface Report {
  readonly html: string
  readonly markdown: string
}

export interface NamedResult {
  /** Of the file, shown where several are of one kind. */
  readonly name: string
  readonly result: ReportedResult
}

export function report(results: readonly NamedResult[]): Report {
  const sections = results.map(({ name, result }, place) => {
    const section = result.section(`r${place}`)
    const isAlone = results.filter((other) => other.result.kind === result.kind).length === 1
    return isAlone ? section : { ...section, title: `${section.title}: ${name}` }
  })
  const title = `Evaluation of ${[...new Set(results.map(({ result }) => result.title))].join(', ')}`
  return { html: htmlPage(title, sections), markdown: markdownPage(title, sections) }
}
