import { describe, expect, it } from 'vitest'
import { questionDocument } from '../../../../src/eval/capability/documents.ts'
import { drawDocuments } from '../../../../src/eval/capability/subset.ts'
import { sha256 } from '../../../../src/eval/units.ts'

const documents = Array.from({ length: 40 }, (_, row) => ({
  ...questionDocument({ id: `made-up-${row}`, subject: undefined, question: 'q', choices: ['a', 'b'], answer: 0 }, row),
  group: row < 30 ? 'large' : 'small',
}))

describe('draw of documents', () => {
  it('takes the smallest hashes of ids, whatever the order of the file', async () => {
    const one = documents.map((document) => ({ ...document, group: undefined }))
    const drawn = await drawDocuments(one, 7)
    const hashes = await Promise.all(one.map(({ id }) => sha256(id)))
    expect(await Promise.all(drawn.map(({ id }) => sha256(id)))).toEqual(hashes.sort().slice(0, 7))
    expect(await drawDocuments([...one].reverse(), 7)).toEqual(drawn)
  })

  it('gives groups their shares, and draws more by adding', async () => {
    const [few, many] = [await drawDocuments(documents, 8), await drawDocuments(documents, 20)]
    expect(few.map(({ group }) => group)).toEqual([...Array(6).fill('large'), ...Array(2).fill('small')])
    expect(many.map(({ id }) => id)).toEqual(expect.arrayContaining(few.map(({ id }) => id)))
  })

  it('takes all where fewer are there', async () => {
    expect(await drawDocuments(documents, 100)).toHaveLength(40)
  })
})
