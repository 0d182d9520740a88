/** @file A stored evaluation as a Markdown table: the README shows exactly this, and a test compares. Prints it for `tsx runs/markdown-table.ts NAME`. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TableRow } from '../src/eval/table.ts'

export function markdownTable(name: string): string {
  const path = new URL(`results/${name}.json`, import.meta.url)
  const { rows } = JSON.parse(readFileSync(path, 'utf8')) as { rows: readonly TableRow[] }
  const lines = rows.map(({ arm, regime, corrected, gain, overUnchanged, published }) => {
    const over = overUnchanged === undefined ? '' : `${signed(overUnchanged.value)} ${range(overUnchanged.interval)}`
    return `| ${arm} | ${regime} | ${corrected.sum.toFixed(3)} ${range(corrected.interval)} | ${signed(gain.value)} ${range(gain.interval)} | ${over} | ${published.sum.toFixed(3)} |`
  })
  return [
    '| arm | uses | error | gain over the wrong person | gain over unchanged | published metric |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

const range = ([low, high]: readonly [number, number]) => `(${plain(low)}..${plain(high)})`
const plain = (value: number) => (isZero(value) ? '0.000' : value.toFixed(3))
const signed = (value: number) => (value > 0 && !isZero(value) ? `+${plain(value)}` : plain(value))
/** A sum of rounding errors is zero, and has no sign. */
const isZero = (value: number) => Math.abs(value) < 5e-4

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(markdownTable(process.argv[2] ?? ''))
