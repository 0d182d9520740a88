import { describe, expect, it } from 'vitest'
import { SD3, sd3ItemName, sd3WithTexts, splitSd3Items } from '../../../src/items/sd3.ts'
import { hasSharedData, sharedJson } from '../../shared-data.ts'

const texts = SD3.items.map((item) => `statement ${item.itemNumber}`)

describe('SD3', () => {
  it('numbers its items 1 to 27 in the order M1-M9 N1-N9 P1-P9', () => {
    expect(SD3.items.map((item) => item.itemNumber)).toEqual(Array.from({ length: 27 }, (_, index) => index + 1))
    expect(SD3.items.map(sd3ItemName)).toEqual(
      ['M', 'N', 'P'].flatMap((scale) => [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => scale + n)),
    )
  })

  it('reverses N2 N6 N8 P2 P7 only', () => {
    expect(SD3.items.filter((item) => item.keying === -1).map(sd3ItemName)).toEqual(['N2', 'N6', 'N8', 'P2', 'P7'])
  })

  it('ships no wording', () => {
    expect(SD3.items.every((item) => item.text === undefined)).toBe(true)
  })

  it('takes the wording from the caller and leaves the shipped items alone', () => {
    const worded = sd3WithTexts(texts)
    expect(worded.items.map((item) => item.text)).toEqual(texts)
    expect(worded.items.map(({ itemNumber, keying, domain }) => ({ itemNumber, keying, domain }))).toEqual(SD3.items)
    expect(worded.domains).toEqual(SD3.domains)
  })

  it('refuses too few or empty texts', () => {
    expect(() => sd3WithTexts(texts.slice(1))).toThrow('item texts number 26, expected 27')
    expect(() => sd3WithTexts(texts.with(4, ' '))).toThrow('text of item 5 is empty')
  })
})

describe('SD3 split', () => {
  const { known, heldOut } = splitSd3Items()

  it('knows items 1-6 of each scale and holds out 7-9', () => {
    expect(known.items).toHaveLength(18)
    expect(heldOut.items.map(sd3ItemName)).toEqual(['M7', 'M8', 'M9', 'N7', 'N8', 'N9', 'P7', 'P8', 'P9'])
  })

  it('keeps the wording of the questionnaire it is given', () => {
    expect(splitSd3Items(sd3WithTexts(texts)).heldOut.items[0]!.text).toBe('statement 7')
  })

  it.skipIf(!hasSharedData)('is the split of the data set (needs shared data)', () => {
    const split = sharedJson('papi/dark_triad_split.json') as { train_index: number[]; test_index: number[] }
    expect(known.items.map((item) => item.itemNumber - 1)).toEqual(split.train_index)
    expect(heldOut.items.map((item) => item.itemNumber - 1)).toEqual(split.test_index)
  })
})
