/**
 * @file The report of a stored evaluation: one HTML page that needs no network and no script, and the same tables as Markdown. Everything shown
 * is in the result; nothing is computed but differences of what stands there.
 */
import { DOMAINS } from '../items/ipip-neo.ts'
import type { EvaluationResult, ResultRow } from './evaluation-result.ts'
import { type ForestRow, forestPlot } from './forest-plot.ts'
import { escapeCell, escapeMarkup } from './markup.ts'

interface Table {
  readonly title: string
  readonly note: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Report {
  readonly html: string
  readonly markdown: string
}

export function evaluationReport(result: EvaluationResult): Report {
  const tables = [errorTable(result), likenessTable(result), costTable(result), settingsTable(result)].filter(
    ({ rows }) => rows.length > 0,
  )
  return { html: page(result, tables), markdown: markdown(result, tables) }
}

function errorTable({ rows }: EvaluationResult): Table {
  return {
    title: 'Error on held-out items',
    note: 'Sum of five mean absolute errors of worded answers, 95 % intervals over persons; lower is better. Gain: error with other persons’ predictions minus with one’s own. A row that does not beat item-median with a gain above 0 is not aligned. Published metric: stored values taken for answers to the wording, for comparison with published tables only.',
    columns: [
      'arm',
      'uses',
      'error',
      ...DOMAINS,
      'gain over the wrong person',
      'gain over unchanged',
      'published metric',
      'collapsed',
    ],
    rows: rows.map(({ arm, regime, corrected, gain, overUnchanged, published, collapsed }) => [
      arm,
      regime,
      `${fixed(corrected.sum)} ${range(corrected.interval)}`,
      ...DOMAINS.map((domain) => fixed(corrected[domain])),
      `${fixed(gain.value)} ${range(gain.interval)}`,
      overUnchanged === undefined ? '' : `${fixed(overUnchanged.value)} ${range(overUnchanged.interval)}`,
      fixed(published.sum),
      collapsed === 0 ? '' : `${collapsed}`,
    ]),
  }
}

function likenessTable({ rows }: EvaluationResult): Table {
  const known = rows.filter(({ likeness, style }) => likeness !== undefined || style !== undefined)
  const names = [
    ...new Set(known.flatMap(({ likeness, style }) => [...Object.keys(likeness ?? {}), ...Object.keys(style ?? {})])),
  ]
  return {
    title: 'Likeness beyond the error',
    note: 'Skill: 0 as item medians, 1 as ridge. People have an acquiescence of 3.08, a negation consistency of .58 and an extremity of .09. KL p95: how far the next token moves on neutral prompts, nats.',
    columns: ['arm', 'skill', ...names, 'KL p95', 'alpha'],
    rows: known.map(({ arm, skill, likeness, style, strength }) => [
      arm,
      fixed(skill),
      ...names.map((name) => fixed(likeness?.[name] ?? style?.[name])),
      fixed(strength?.klP95),
      fixed(strength?.alpha),
    ]),
  }
}

function costTable({ rows }: EvaluationResult): Table {
  const methods = rows.filter(({ cost }) => cost.optimisationSecondsPerPerson !== undefined)
  const names = [...new Set(methods.flatMap(({ cost }) => Object.keys(cost)))]
  return {
    title: 'Cost',
    note: 'Seconds are of one machine on one day; tokens and operations are not. Shared work is done once for all persons.',
    columns: ['what', ...methods.map(({ arm }) => arm)],
    rows: names.map((name) => [name, ...methods.map(({ cost }) => significant(cost[name]))]),
  }
}

function settingsTable({ rows }: EvaluationResult): Table {
  return {
    title: 'Settings of methods that train',
    note: 'Everything that was set.',
    columns: ['arm', 'settings'],
    rows: rows.flatMap(({ arm, hyperparameters }) =>
      hyperparameters === undefined
        ? []
        : [
            [
              arm,
              Object.entries(hyperparameters)
                .map(([name, value]) => `${name} ${value}`)
                .join(', '),
            ],
          ],
    ),
  }
}

/** Who was asked, and what the numbers must not be compared with. */
function facts({ data, model, seed, orders, respondents, population, wholeFile, version }: EvaluationResult): string[] {
  return [
    `Model ${model}; persons of ${data}: ${respondents} of ${population}, seed ${seed}; option orders: ${orders}; palign ${version}.`,
    ...(wholeFile ? [] : ['Only part of the file: not to be compared with tables of the whole file.']),
    ...(/test-set/i.test(data)
      ? ['PAPI persons are the nearest to cluster centres: their errors are about half of what ordinary people give.']
      : []),
  ]
}

function plots({ rows }: EvaluationResult): string[] {
  const row = (
    of: (row: ResultRow) => { readonly value: number | null; readonly interval: readonly [number | null, number | null] },
  ) =>
    rows.flatMap((each): ForestRow[] => {
      const { value, interval } = of(each)
      if (value === null) return []
      const [low, high] = interval
      const known = low === null || high === null ? undefined : ([low, high] as const)
      return [{ label: each.arm, value, interval: known, reference: each.cost.optimisationSecondsPerPerson === undefined }]
    })
  const median = rows.find(({ arm }) => arm === 'item-median')?.corrected.sum ?? undefined
  return [
    forestPlot({
      id: 'plot-error',
      title: 'Error of every arm with its interval',
      axis: 'error, sum of five mean absolute errors (lower is better)',
      rows: row(({ corrected }) => ({ value: corrected.sum, interval: corrected.interval })),
      rule: median,
      ruleLabel: 'item median',
    }),
    forestPlot({
      id: 'plot-gain',
      title: 'Gain of every arm over the wrong person with its interval',
      axis: 'gain over the wrong person (higher is more about the person)',
      rows: row(({ gain }) => gain),
      rule: 0,
      ruleLabel: 'nothing of the person',
    }),
  ]
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2329; --paper: #fff; --faint: #d9dee3; --mark: #14548c; --soft: #5b6670 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14181c; --faint: #343c44; --mark: #7db8ea; --soft: #9aa6b1 } }
@media print { :root { --ink: #000; --paper: #fff; --faint: #ccc; --mark: #000; --soft: #444 } body { max-width: none } section { break-inside: avoid } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1, h2 { line-height: 1.2 } p.note { color: var(--soft); max-width: 60rem }
div.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--faint); text-align: right; white-space: nowrap } th:first-child, td:first-child { text-align: left }
td.words { white-space: normal; text-align: left }
svg.plot { width: 100%; max-width: 60rem; height: auto; display: block } svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg .grid { stroke: var(--faint) } svg .rule { stroke: var(--soft); stroke-dasharray: 4 3 } svg .whisker { stroke: var(--mark); stroke-width: 2 }
svg .mark { fill: var(--mark) } svg .reference { fill: var(--paper); stroke: var(--mark); stroke-width: 2 }
`.trim()

function page(result: EvaluationResult, tables: readonly Table[]): string {
  const figures = plots(result).map((plot) => `<figure>${plot}</figure>`)
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`,
    `<title>Evaluation of ${escapeMarkup(result.model)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    `<h1>Evaluation of ${escapeMarkup(result.model)}</h1>`,
    ...facts(result).map((fact) => `<p>${escapeMarkup(fact)}</p>`),
    '<section><h2>At a glance</h2>',
    '<p class="note">Filled: methods. Hollow: predictors without a model.</p>',
    ...figures,
    '</section>',
    ...tables.flatMap(({ title, note, columns, rows }) => [
      `<section><h2>${escapeMarkup(title)}</h2>`,
      `<p class="note">${escapeMarkup(note)}</p>`,
      '<div class="wide"><table>',
      `<thead><tr>${columns.map((column) => `<th scope="col">${escapeMarkup(column)}</th>`).join('')}</tr></thead>`,
      '<tbody>',
      ...rows.map(
        (cells) =>
          `<tr>${cells.map((cell) => `<td${cell.length > 60 ? ' class="words"' : ''}>${escapeMarkup(cell)}</td>`).join('')}</tr>`,
      ),
      '</tbody></table></div></section>',
    ]),
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function markdown(result: EvaluationResult, tables: readonly Table[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [
    `# Evaluation of ${escapeCell(result.model)}`,
    '',
    ...facts(result).map(escapeCell),
    ...tables.flatMap(({ title, note, columns, rows }) => [
      '',
      `## ${title}`,
      '',
      note,
      '',
      line(columns),
      `|${'---|'.repeat(columns.length)}`,
      ...rows.map(line),
    ]),
    '',
  ].join('\n')
}

const fixed = (value: number | null | undefined) => (value === null || value === undefined ? '' : value.toFixed(3))
const range = ([low, high]: readonly [number | null, number | null]) =>
  low === null || high === null ? '' : `(${low.toFixed(3)}..${high.toFixed(3)})`
const significant = (value: number | null | undefined) =>
  value === null || value === undefined ? '' : Number.isInteger(value) ? `${value}` : value.toPrecision(4)
