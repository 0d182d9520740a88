import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fitTraitClassifier } from '../../../src/eval/open-ended/trait-classifier.ts'
import { readTraitStatements } from '../../../src/node/read-trait-statements.ts'
import { hasSharedData, sharedPath } from '../../shared-data.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-statements-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function folderWith(...lines: string[]): string {
  const folder = mkdtempSync(join(scratch, 'folder-'))
  writeFileSync(join(folder, 'anthropic_persona_openness.jsonl'), `${lines.join('\n')}\n`)
  return folder
}

const line = (statement: string, answer: string, more: object = {}) =>
  JSON.stringify({
    question: `Would you say this? "${statement}"`,
    statement,
    label_confidence: 1,
    answer_matching_behavior: answer,
    answer_not_matching_behavior: answer === ' Yes' ? ' No' : ' Yes',
    ...more,
  })

describe('trait statements', () => {
  it('are of the high pole where the answer that matches is Yes', async () => {
    const read = await readTraitStatements(folderWith(line('I paint', ' Yes'), '', line('I never paint', ' No')))
    expect([...read]).toEqual([
      [
        'O',
        [
          { text: 'I paint', high: true },
          { text: 'I never paint', high: false },
        ],
      ],
    ])
  })

  it.each([
    ['{', 'line 2 is no JSON'],
    [line('I paint', ' Maybe'), 'line 2: answer_matching_behavior'],
    [line('', ' Yes'), 'line 2: statement'],
    ['[]', 'line 2: the whole'],
  ])('are refused with file and line: %s', async (bad, message) => {
    const reading = readTraitStatements(folderWith(line('I paint', ' Yes'), bad))
    await expect(reading).rejects.toThrow(/anthropic_persona_openness\.jsonl/)
    await expect(reading).rejects.toThrow(message)
  })

  it('are looked for in a folder that has none, by name', async () => {
    await expect(readTraitStatements(mkdtempSync(join(scratch, 'empty-')))).rejects.toMatchObject({ code: 'not-found' })
  })

  it.skipIf(!hasSharedData)('of the research data are told apart on statements held out', async () => {
    const read = await readTraitStatements(sharedPath('bench/personality'))
    expect([...read.keys()]).toEqual(['A', 'C', 'E', 'N', 'O'])
    const { heldOutAccuracy, auc } = fitTraitClassifier({ trait: 'E', statements: read.get('E')!, seed: 0 })
    expect(heldOutAccuracy).toBeGreaterThan(0.9)
    expect(auc).toBeGreaterThan(0.95)
  })
})
