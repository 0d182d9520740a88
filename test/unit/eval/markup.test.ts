import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonInScript, showableText } from '../../../src/eval/markup.ts'

const PIECES = ['<', '>', '&', '/', '!--', '\u2028', '\u2029', '</script>', '"', '\\', '\\u003c', 'a', '\ud800', '\n']

describe('JSON in a script element', () => {
  it('reads back as it was, and holds nothing that ends an element or a line', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES)), (pieces) => {
        const text = pieces.join('')
        const value = [text, `</script><!--${text}\u2028\u2029`]
        const written = jsonInScript(value)
        expect(JSON.parse(written)).toEqual(value)
        expect(written).not.toMatch(/[<>&\u2028\u2029]/)
      }),
    )
  })
})

describe('text that is shown', () => {
  it('keeps words of any script, tabs and line ends', () => {
    const text = 'a\tb\nשלום، naïve 𝒳 \u200f.'
    expect(showableText(text)).toBe(text)
  })

  it('shows overrides of direction, control characters and halves of surrogate pairs as replaced', () => {
    expect(showableText('a\u202eb\u2066c\u0000d\u001be\ud800f\r\ng')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ng')
  })
})
