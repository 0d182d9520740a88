/** @file `palign report`: stored results as one page to look at, and as Markdown. */
import { basename, join } from 'node:path'
import { at } from '../errors.ts'
import { type NamedResult, report } from '../eval/report/report.ts'
import { parseResult } from '../eval/report/results.ts'
import { makeFolder, writeFileAtomic } from '../node/atomic-write.ts'
import { readJson } from '../node/read-file.ts'
import { print, printJson } from './output.ts'

const MAX_RESULT_BYTES = 1 << 28

export async function reportCommand(
  files: readonly string[],
  { out, json }: { readonly out: string; readonly json?: boolean },
): Promise<void> {
  const results: NamedResult[] = []
  for (const file of files) results.push({ name: basename(file), result: await readResult(file) })
  const { html, markdown } = report(results)
  await makeFolder(out)
  const written = { html: join(out, 'report.html'), markdown: join(out, 'report.md'), json: join(out, 'report.json') }
  await writeFileAtomic(written.html, html)
  await writeFileAtomic(written.markdown, markdown)
  const shown = results.map(({ name, result }) => ({ name, kind: result.kind, result: result.value }))
  await writeFileAtomic(written.json, `${JSON.stringify({ results: shown }, null, 2)}\n`)
  if (json) printJson(written)
  else print(`report written to ${written.html}, with ${written.markdown} and ${written.json}`)
}

async function readResult(file: string): Promise<NamedResult['result']> {
  const json = await readJson(file, MAX_RESULT_BYTES)
  return at(`file ${file}`, () => parseResult(json))
}
