/** @file Two texts beside each other while both still arrive: a row is given out when neither side can change it any more. */
import type { Side } from '../../chat/side-by-side.ts'
import { padded } from './terminal-text.ts'
import { type WordWrap, wordWrap } from './word-wrap.ts'

export interface Columns {
  /** Complete rows, each with its newline. */
  push(side: Side, text: string): string
  end(side: Side): string
}

const BETWEEN = ' │ '
/** Narrower columns are harder to read than one text after the other. */
const NARROWEST = 30

/** Undefined where two columns do not fit. */
export function columnWidth(width: number): number | undefined {
  const each = Math.floor((width - BETWEEN.length) / 2)
  return each < NARROWEST ? undefined : each
}

interface Column {
  readonly wrap: WordWrap
  /** Lines that are not shown yet; the last one still grows until the text has ended. */
  readonly lines: string[]
  ended: boolean
}

export function columns(width: number): Columns {
  const column = (): Column => ({ wrap: wordWrap(width), lines: [''], ended: false })
  const sides = { left: column(), right: column() }

  function add({ lines }: Column, text: string): void {
    const [first = '', ...more] = text.split('\n')
    lines[lines.length - 1] += first
    lines.push(...more)
  }

  const isReady = ({ lines, ended }: Column) => ended || lines.length > 1
  function rows(): string {
    const { left, right } = sides
    let shown = ''
    while (isReady(left) && isReady(right) && left.lines.length + right.lines.length > 0) {
      shown += `${padded(left.lines.shift() ?? '', width)}${BETWEEN}${right.lines.shift() ?? ''}`.trimEnd()
      shown += '\n'
    }
    return shown
  }

  return {
    push(side, text) {
      add(sides[side], sides[side].wrap.push(text))
      return rows()
    },
    end(side) {
      add(sides[side], sides[side].wrap.end())
      sides[side].ended = true
      return rows()
    },
  }
}
