/** @file Lines broken between words while the text still arrives: a word is given out when it is complete. */
import { displayWidth, graphemesOf, isWide } from './terminal-text.ts'

export interface WordWrap {
  /** What may be shown now, with newlines where lines end. */
  push(text: string): string
  /** The last word. */
  end(): string
}

/** For a tab that is not at the beginning of a column of its own. */
const TAB = '    '

/** White space at the end of a broken line is dropped, at the beginning of the text's own lines kept. @param width columns, at least 2 */
export function wordWrap(width: number): WordWrap {
  let column = 0
  let spaces = ''
  let word = ''

  function place(): string {
    if (word === '') return ''
    let shown = ''
    const fits = column + spaces.length + displayWidth(word) <= width
    // At the beginning of a line there is nowhere better to break.
    if (!fits && column > 0) {
      shown = '\n'
      column = 0
    } else {
      shown = fits ? spaces : spaces.slice(0, Math.max(0, width - 2))
      column += shown.length
    }
    for (const grapheme of graphemesOf(word)) {
      const size = displayWidth(grapheme)
      if (column > 0 && column + size > width) {
        shown += '\n'
        column = 0
      }
      shown += grapheme
      column += size
    }
    word = ''
    spaces = ''
    return shown
  }

  function take(character: string): string {
    if (character === '\n') {
      const shown = `${place()}\n`
      column = 0
      spaces = ''
      return shown
    }
    if (character === ' ' || character === '\t') {
      const shown = place()
      spaces += character === ' ' ? ' ' : TAB
      return shown
    }
    // Joined to one sign with what stands before.
    if (word.endsWith('\u200d')) {
      word += character
      return ''
    }
    // Scripts that are written without spaces break anywhere; what fills a line already need not be waited for.
    if (isWide(character)) {
      const shown = place()
      word = character
      return shown
    }
    const before = isWide(word) && displayWidth(character) > 0 ? place() : ''
    word += character
    return before + (displayWidth(word) > width ? place() : '')
  }

  return { push: (text) => Array.from(text, take).join(''), end: place }
}
