/** @file `palign report`: a stored evaluation as a page to look at, and as Markdown. */
import { join } from 'node:path'
import { parseEvaluationResult } from '../eval/evaluation-result.ts'
import { evaluationReport } from '../eval/report.ts'
import { makeFolder, writeFileAtomic } from '../node/atomic-write.ts'
import { readJson } from '../node/read-file.ts'
import { print, printJson } from './output.ts'

const MAX_RESULT_BYTES = 1 << 28

export async function reportCommand(
  file: string,
  { out, json }: { readonly out: string; readonly json?: boolean },
): Promise<void> {
  const result = parseEvaluationResult(await readJson(file, MAX_RESULT_BYTES))
  const { html, markdown } = evaluationReport(result)
  await makeFolder(out)
  const written = { html: join(out, 'report.html'), markdown: join(out, 'report.md'), json: join(out, 'report.json') }
  await writeFileAtomic(written.html, html)
  await writeFileAtomic(written.markdown, markdown)
  await writeFileAtomic(written.json, `${JSON.stringify(result, null, 2)}\n`)
  if (json) printJson(written)
  else print(`report written to ${written.html}, with ${written.markdown} and ${written.json}`)
}
