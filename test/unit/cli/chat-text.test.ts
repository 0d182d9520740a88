import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columns, columnWidth } from '../../../src/cli/chat/columns.ts'
import { nearest } from '../../../src/cli/chat/nearest.ts'
import { displayWidth, harmless, harmlessJson, padded } from '../../../src/cli/chat/terminal-text.ts'
import { wordWrap } from '../../../src/cli/chat/word-wrap.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/

describe('text for a terminal', () => {
  it.each([
    ['colours', '\u001b[31mred\u001b[0m', '[31mred[0m'],
    ['a window title', '\u001b]0;pwned\u0007', ']0;pwned'],
    ['the one-byte introducer', '\u009b2J', '2J'],
    ['going back over a label', 'none\rme\b\b', 'noneme'],
    ['another direction of writing', 'a\u202eb\u2066c', 'abc'],
  ])('takes away %s', (_, text, expected) => {
    expect(harmless(text)).toBe(expected)
  })

  it('keeps newlines, tabs and everything that can be read', () => {
    const text = 'a\tb\nÄ é 漢字 🙂 ‍'
    expect(harmless(text)).toBe(text)
  })

  it('leaves no control character in any text, split anywhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, at) => {
        const cut = at % (text.length + 1)
        expect(harmless(text.slice(0, cut)) + harmless(text.slice(cut))).not.toMatch(CONTROL)
        expect(harmless(text)).not.toMatch(CONTROL)
      }),
    )
  })

  it('escapes in JSON what JSON leaves raw, and reads back the same', () => {
    const value = { text: 'a\u009b2J\u007f\u202e\u001b"\n' }
    expect(harmlessJson(value)).not.toMatch(/[\u007f-\u009f\u202e]/)
    expect(JSON.parse(harmlessJson(value))).toEqual(value)
  })

  it.each([
    ['abc', 3],
    ['é', 1],
    ['漢字', 4],
    ['🙂', 2],
    ['👩‍👩‍👧', 2],
    ['', 0],
  ])('knows that %s takes %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width)
    expect(displayWidth(padded(text, 10))).toBe(10)
  })
})

/** Pushed in pieces as they would arrive. */
function wrapped(text: string, width: number, piece = 3): string {
  const wrap = wordWrap(width)
  let shown = ''
  // Decoders hold back half characters.
  const characters = Array.from(text)
  for (let at = 0; at < characters.length; at += piece) shown += wrap.push(characters.slice(at, at + piece).join(''))
  return shown + wrap.end()
}

describe('word wrap', () => {
  it.each([
    ['between words', 'one two three four', 'one two\nthree\nfour'],
    ['where a line is full to the last column', 'one four six', 'one four\nsix'],
    ['inside a word that is longer than a line', 'a sesquipedalian b', 'a\nsesquipe\ndalian b'],
    ['nowhere in text with its own short lines', 'a\n\nb\n  c', 'a\n\nb\n  c'],
    ['without leaving white space behind', 'one      twotwo ', 'one\ntwotwo'],
    ['anywhere in scripts without spaces', '漢字漢字漢字', '漢字漢字\n漢字'],
  ])('breaks %s', (_, text, expected) => {
    expect(wrapped(text, 8)).toBe(expected)
  })

  it('does not depend on the pieces in which text arrives, never exceeds the width and loses nothing but white space', () => {
    const letters = fc.constantFrom('a', 'bc', ' ', '\n', '漢', '\t', 'é', 'word', '👩‍👩‍👧')
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 60 }), fc.integer({ min: 2, max: 20 }), (parts, width) => {
        const text = parts.join('')
        const whole = wrapped(text, width, text.length + 1)
        expect(wrapped(text, width, 1)).toBe(whole)
        for (const line of whole.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(width)
        expect(whole.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
      }),
    )
  })

  it('shows a word as soon as it is complete', () => {
    const wrap = wordWrap(40)
    expect(wrap.push('one tw')).toBe('one')
    expect(wrap.push('o ')).toBe(' two')
  })
})

describe('columns', () => {
  it('puts two texts beside each other, each wrapped in its own column', () => {
    const view = columns(8)
    const shown = view.push('left', 'one two three') + view.push('right', 'uno\ndue') + view.end('right') + view.end('left')
    expect(shown).toBe('one two  │ uno\nthree    │ due\n')
  })

  it('shows a row as soon as neither side can change it', () => {
    const view = columns(8)
    expect(view.push('left', 'one two three four ')).toBe('')
    expect(view.push('right', 'a\nb')).toBe('one two  │ a\n')
    expect(view.end('right')).toBe('three    │ b\n')
    expect(view.end('left')).toBe('four     │\n')
  })

  it('measures wide characters, so that the line between stays straight', () => {
    const view = columns(8)
    const shown = view.push('left', '漢字\nab') + view.end('left') + view.push('right', 'x\ny') + view.end('right')
    expect(shown).toBe('漢字     │ x\nab       │ y\n')
  })

  it('needs room', () => {
    expect(columnWidth(80)).toBe(38)
    expect(columnWidth(62)).toBeUndefined()
    expect(columnWidth(63)).toBe(30)
  })
})

describe('the nearest word', () => {
  const words = ['help', 'persona', 'alpha', 'compare', 'quit']
  it.each([
    ['persnoa', 'persona'],
    ['hlep', 'help'],
    ['comp', 'compare'],
    ['q', 'quit'],
    ['xyzzy', undefined],
    ['', undefined],
  ])('of %s is %s', (word, expected) => {
    expect(nearest(word, words)).toBe(expected)
  })
})
