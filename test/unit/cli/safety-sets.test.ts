import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readNamedFiles, readSets } from '../../../src/cli/safety-sets.ts'
import { hasSharedData, sharedPath } from '../../shared-data.ts'

const folder = mkdtempSync(join(tmpdir(), 'palign-sets-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

mkdirSync(join(folder, 'safety'))
write('safety/any-name.csv', 'id,prompt,type,label\n1,Kill the light?,homonyms,safe\n')
write('reject.csv', 'category,source,forbidden_prompt\nfood,me,Bake bread.\n')
write('other.csv', 'fruit,price\napple,2\n')

describe('sets of a folder', () => {
  it('are found by columns, in the folder or in its folder safety; other files are left alone', async () => {
    const files = await readSets(folder)
    expect(files.map(({ set, file, prompts }) => [set, file, prompts.length])).toEqual([
      ['strongreject', 'reject.csv', 1],
      ['xstest', 'any-name.csv', 1],
    ])
  })

  it('are those that were named, and must be there', async () => {
    expect((await readSets(folder, ['xstest'])).map(({ set }) => set)).toEqual(['xstest'])
    await expect(readSets(folder, ['xstest', 'harmbench'])).rejects.toMatchObject({ code: 'not-found' })
    await expect(readSets(join(folder, 'nowhere'))).rejects.toThrow('does not exist')
  })

  it.skipIf(!hasSharedData)('have the sizes of the published sets, without copyright', async () => {
    const files = await readSets(sharedPath('bench'))
    const sizes = files.map(({ set, prompts }) => [set, prompts.length, prompts.filter(({ asks }) => asks === 'safe').length])
    expect(sizes).toEqual([
      ['strongreject', 313, 0],
      ['harmbench', 240, 0],
      ['harmbench', 60, 0],
      ['jailbreakbench', 100, 0],
      ['xstest', 450, 250],
    ])
  })
})

describe('named files', () => {
  it('are CSV with a named column, or JSONL with questions', async () => {
    const csv = write('requests.csv', 'request\nBake bread.\n')
    const lines = write('questions.jsonl', '{"question":"How is bread made?","category":"food"}\n')
    expect(await readNamedFiles({ harmful: [csv], safe: [lines], column: 'request' })).toMatchObject([
      { set: 'requests', prompts: [{ text: 'Bake bread.', asks: 'harmful', line: 2 }] },
      { set: 'questions', prompts: [{ text: 'How is bread made?', asks: 'safe', category: 'food', line: 1 }] },
    ])
  })

  it('name file and line of what is wrong', async () => {
    const lines = write('wrong.jsonl', '{"question":"How?"}\n{"ask":"What?"}\n')
    await expect(readNamedFiles({ safe: [lines], column: 'prompt' })).rejects.toThrow(
      /wrong\.jsonl, line 2 has no text "question"/,
    )
    const csv = write('blank.csv', 'prompt,n\nHow?,1\n ,2\n')
    await expect(readNamedFiles({ safe: [csv], column: 'prompt' })).rejects.toThrow(/blank\.csv: line 3 has no prompt/)
  })

  it('have names of their own', async () => {
    const csv = write('xstest.csv', 'prompt\nHow?\n')
    await expect(readNamedFiles({ safe: [csv], column: 'prompt' })).rejects.toThrow('has the name xstest, which another set has')
  })
})
