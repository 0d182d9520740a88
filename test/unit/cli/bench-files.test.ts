import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTask } from '../../../src/cli/bench-files.ts'
import type { BenchDocument } from '../../../src/eval/capability/documents.ts'
import { FILTERS, isExactMatch } from '../../../src/eval/capability/exact-match.ts'
import { drawDocuments } from '../../../src/eval/capability/subset.ts'
import { hasSharedData, sharedPath } from '../../shared-data.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-bench-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const item = (id: string) => ({ id, question: `${id}?`, choices: ['a', 'b'], answer: 1 })

describe('files of capability sets', () => {
  mkdirSync(join(scratch, 'reasoning'))
  writeFileSync(join(scratch, 'reasoning', 'arc_challenge_test.jsonl'), lines([item('one'), item('two')]))
  writeFileSync(join(scratch, 'own.jsonl'), lines([item('one')]))
  writeFileSync(join(scratch, 'twice.jsonl'), lines([item('one'), item('two'), item('one')]))
  writeFileSync(join(scratch, 'wrong.jsonl'), lines([item('one'), { ...item('two'), answer: 2 }]))

  it('are found in the folder of their kind, and by their own paths', async () => {
    expect(await readTask(scratch, 'arc-challenge')).toMatchObject({
      file: 'arc_challenge_test.jsonl',
      task: { name: 'arc-challenge' },
    })
    expect(await readTask(scratch, join(scratch, 'own.jsonl'))).toMatchObject({
      task: { name: 'own', documents: [{ id: 'one' }] },
    })
  })

  it.each([
    ['hellaswag', /has no hellaswag_val\.jsonl/],
    ['arithmetic', /task arithmetic is unknown/],
    [join(scratch, 'twice.jsonl'), /line 3: id one stands in line 1 too/],
    [join(scratch, 'wrong.jsonl'), /wrong\.jsonl, line 2: .*answer/],
  ])('are refused: %s', async (name, message) => {
    await expect(readTask(scratch, name)).rejects.toThrow(message)
  })
})

describe('the research sets', () => {
  const bench = sharedPath('bench')
  const contextOf = (document: BenchDocument) => (document.kind === 'problem' ? document.context : document.requests[0]!.context)
  const continuationsOf = (document: BenchDocument) =>
    document.kind === 'problem' ? [] : document.requests.map(({ continuation }) => continuation)

  it.skipIf(!hasSharedData)('hold MMLU: five examples of each of 57 subjects, four letters', async () => {
    const { task } = await readTask(bench, 'mmlu')
    expect(task.documents).toHaveLength(14_042)
    expect(new Set(task.documents.map(({ group }) => group)).size).toBe(57)
    const drawn = await drawDocuments(task.documents, 1500)
    expect(drawn).toHaveLength(1500)
    for (const document of drawn) {
      const context = contextOf(document)
      expect(context.startsWith('The following are multiple choice questions (with answers) about ')).toBe(true)
      expect(context.match(/\nAnswer: [ABCD]\n\n/g)).toHaveLength(5)
      expect(context).toMatch(/\nA\. [\s\S]*\nB\. [\s\S]*\nC\. [\s\S]*\nD\. [\s\S]*\nAnswer:$/)
      expect(continuationsOf(document)).toEqual([' A', ' B', ' C', ' D'])
    }
  })

  it.skipIf(!hasSharedData)('hold ARC-Challenge with three to five choices', async () => {
    const { task } = await readTask(bench, 'arc-challenge')
    const counts = task.documents.map((document) => continuationsOf(document).length)
    expect([3, 4, 5].map((count) => counts.filter((each) => each === count).length)).toEqual([4, 1165, 3])
    for (const document of task.documents) {
      expect(contextOf(document)).toMatch(/^Question: [\s\S]*\nAnswer:$/)
      for (const continuation of continuationsOf(document)) expect(continuation).toMatch(/^ \S/)
    }
  })

  it.skipIf(!hasSharedData)('hold HellaSwag with four endings', async () => {
    const { task } = await readTask(bench, 'hellaswag')
    expect(task.documents).toHaveLength(10_042)
    for (const document of task.documents) expect(continuationsOf(document)).toHaveLength(4)
  })

  it.skipIf(!hasSharedData)('hold TruthfulQA with one true answer of the first list', async () => {
    const { task } = await readTask(bench, 'truthfulqa')
    expect(task.documents).toHaveLength(817)
    for (const document of task.documents) {
      expect(contextOf(document)).toMatch(/^Q: [\s\S]+\nA:$/)
      if (document.kind !== 'truth') throw new Error('no truth document')
      expect(document.single.right).toBe(0)
      expect(document.many.some(({ isTrue }) => isTrue) && document.many.some(({ isTrue }) => !isTrue)).toBe(true)
    }
  })

  it.skipIf(!hasSharedData)('hold GSM8K, whose solutions match themselves', async () => {
    const { task } = await readTask(bench, 'gsm8k')
    expect(task.documents).toHaveLength(1319)
    for (const document of task.documents) {
      if (document.kind !== 'problem') throw new Error('no problem')
      expect(document.context).toMatch(/^Question: [\s\S]*\nAnswer:$/)
      const extracted = FILTERS['strict-match'](document.solution)
      expect(isExactMatch(extracted, document.solution)).toBe(true)
    }
  })
})
