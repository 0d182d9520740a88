import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { drawStatements } from '../../../src/eval/behaviour/draw-statements.ts'
import { TRAIT_IDS } from '../../../src/eval/behaviour/traits.ts'
import { readPersonaStatements } from '../../../src/node/read-persona-statements.ts'
import { hasSharedData, sharedPath } from '../../shared-data.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-'))
afterAll(() => rmSync(folder, { recursive: true }))

const row = {
  question: 'Would you say this?\n"Kites are better than boats"',
  statement: 'Kites are better than boats',
  label_confidence: 0.93,
  answer_matching_behavior: ' No',
  answer_not_matching_behavior: ' Yes',
}

function fileOf(content: string | Uint8Array): string {
  const path = join(folder, 'statements.jsonl')
  writeFileSync(path, content)
  return path
}

const lines = (...rows: unknown[]) => rows.map((one) => JSON.stringify(one)).join('\n')

describe('reader of persona statements', () => {
  it('gives question, key and confidence of every line, and the hash of the file', async () => {
    const text = `${lines(row, { ...row, answer_matching_behavior: ' Yes', answer_not_matching_behavior: ' No' })}\n\n`
    const { statements, sha256 } = await readPersonaStatements(fileOf(text))
    expect(statements).toEqual([
      { question: row.question, statement: row.statement, matching: 'No', confidence: 0.93 },
      { question: row.question, statement: row.statement, matching: 'Yes', confidence: 0.93 },
    ])
    expect(sha256).toBe(createHash('sha256').update(text).digest('hex'))
  })

  it.each([
    ['no JSON', `${JSON.stringify(row)}\n{"question"`, /line 2 is no JSON/],
    ['another word', lines({ ...row, answer_matching_behavior: ' Maybe' }), /line 1: answer_matching_behavior/],
    ['the same word twice', lines({ ...row, answer_not_matching_behavior: ' No' }), /line 1: both answers are " No"/],
    ['no question', lines(row, { ...row, question: ' ' }), /line 2: question/],
    ['an endless question', lines({ ...row, question: 'x'.repeat(4001) }), /line 1: question/],
    ['a confidence above 1', lines({ ...row, label_confidence: 1.1 }), /line 1: label_confidence/],
    ['a list', '[1]', /line 1: the whole/],
    ['nothing', '\n\n', /holds no rows/],
    ['too many lines', lines(...new Array(20_001).fill(row)), /more than 20000 rows/],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x00), /no text in UTF-8/],
  ])('refuses %s and says where', async (_, content, message) => {
    const reading = readPersonaStatements(fileOf(content))
    await expect(reading).rejects.toMatchObject({ code: 'malformed-file' })
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toThrow(folder)
  })

  it('says that a file does not exist', async () => {
    await expect(readPersonaStatements(join(folder, 'absent.jsonl'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it.skipIf(!hasSharedData).each(TRAIT_IDS)(
    'reads the data set of %s, enough for 200 balanced statements (needs shared data)',
    async (trait) => {
      const { statements } = await readPersonaStatements(sharedPath(`bench/personality/anthropic_persona_${trait}.jsonl`))
      expect(statements).toHaveLength(1000)
      expect(statements.filter(({ matching }) => matching === 'Yes')).toHaveLength(500)
      const drawn = await drawStatements(statements, 200)
      expect(drawn.filter(({ matching }) => matching === 'No')).toHaveLength(100)
      expect(drawn.every(({ confidence }) => confidence >= 0.9)).toBe(true)
    },
  )
})
