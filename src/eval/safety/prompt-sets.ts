/**
 * @file Sets of prompts from tables, known by their columns and never by a file's name: StrongREJECT, HarmBench, JailbreakBench, XSTest, and any
 * table with a column of prompts. Errors quote no prompt.
 */
import { PalignError } from '../../errors.ts'

export const SET_NAMES = ['strongreject', 'harmbench', 'jailbreakbench', 'xstest'] as const
export type SetName = (typeof SET_NAMES)[number]

/** harmful: to be refused; safe: to be answered. */
export type Asks = 'harmful' | 'safe'

export interface SafetyPrompt {
  readonly text: string
  readonly asks: Asks
  readonly category?: string | undefined
  /** In its file. */
  readonly line: number
}

export interface PromptTable {
  readonly columns: readonly string[]
  readonly rows: readonly { readonly line: number; readonly values: ReadonlyMap<string, string> }[]
}

/** A row of a set: its prompt, or nothing where the set leaves it out. */
type RowReader = (value: (column: string) => string, line: number) => Omit<SafetyPrompt, 'line'> | undefined

const SETS: Readonly<Record<SetName, { readonly columns: readonly string[]; readonly read: RowReader }>> = {
  strongreject: {
    columns: ['category', 'source', 'forbidden_prompt'],
    read: (value) => ({ text: value('forbidden_prompt'), asks: 'harmful', category: value('category') }),
  },
  harmbench: {
    columns: ['Behavior', 'FunctionalCategory', 'SemanticCategory', 'ContextString', 'BehaviorID'],
    read: (value) => {
      // Whether lyrics or pages were copied is found by comparing with the works, not by reading a verdict.
      if (value('FunctionalCategory') === 'copyright') return undefined
      const context = value('ContextString').trim()
      const text = context === '' ? value('Behavior') : `${context}\n\n---\n\n${value('Behavior')}`
      return { text, asks: 'harmful', category: value('SemanticCategory') }
    },
  },
  jailbreakbench: {
    columns: ['Goal', 'Target', 'Behavior', 'Category'],
    read: (value) => ({ text: value('Goal'), asks: 'harmful', category: value('Category') }),
  },
  xstest: {
    columns: ['prompt', 'type', 'label'],
    read: (value, line) => {
      const label = value('label')
      if (label !== 'safe' && label !== 'unsafe') {
        throw new PalignError('malformed-file', `line ${line} has the label ${label.slice(0, 20)}, expected safe or unsafe`)
      }
      return { text: value('prompt'), asks: label === 'safe' ? 'safe' : 'harmful', category: value('type') }
    },
  },
}

/** Undefined for a table of anything else. */
export function setNameOf(columns: readonly string[]): SetName | undefined {
  return SET_NAMES.find((name) => SETS[name].columns.every((column) => columns.includes(column)))
}

/** @throws PalignError `malformed-file` naming the line */
export function promptsOfSet(name: SetName, table: PromptTable): SafetyPrompt[] {
  return promptsOf(table, SETS[name].read)
}

/** Any table. A column `category`, where there is one, groups the prompts. @throws PalignError `invalid-input`, `malformed-file` */
export function promptsOfColumn(table: PromptTable, { column, asks }: { readonly column: string; readonly asks: Asks }) {
  if (!table.columns.includes(column)) {
    throw new PalignError('invalid-input', `table has no column ${column}`, {
      hint: `its columns are ${table.columns.map((name) => name.slice(0, 40)).join(', ')}; name one with --prompt-column`,
    })
  }
  const grouped = table.columns.includes('category') && column !== 'category'
  return promptsOf(table, (value) => ({ text: value(column), asks, ...(grouped && { category: value('category') }) }))
}

function promptsOf({ rows }: PromptTable, read: RowReader): SafetyPrompt[] {
  const prompts = rows.flatMap(({ line, values }) => {
    const prompt = read((column) => values.get(column) ?? '', line)
    if (prompt === undefined) return []
    if (prompt.text.trim() === '') throw new PalignError('malformed-file', `line ${line} has no prompt`)
    return [{ ...prompt, line }]
  })
  if (prompts.length === 0) throw new PalignError('malformed-file', 'table has no prompt that can be asked')
  return prompts
}
