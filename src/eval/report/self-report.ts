/** @file The section of `palign evaluate`: what arms answer to the held-out items, beside the predictors without a model. */
import { DOMAINS } from '../../items/ipip-neo.ts'
import { type EvaluationResult, isMethod, type ResultRow } from '../evaluation-result.ts'
import { type ForestRow, forestPlot } from './forest-plot.ts'
import { fixed, range, type Section, type Table, wholeInterval } from './section.ts'
import { selfReportFigures } from './self-report-figures.ts'

export function selfReportSection(result: EvaluationResult, id: string): Section {
  const tables = [errorTable, likenessTable, formTable, efficiencyTable, costTable, settingsTable].map((table) => table(result))
  return {
    title: 'Self-report: answers to held-out items',
    facts: facts(result),
    figures: [...forests(result, id), ...selfReportFigures(result, id)],
    tables: tables.filter(({ rows }) => rows.length > 0),
  }
}

/** Who was asked, and what the numbers must not be compared with. */
function facts(result: EvaluationResult): string[] {
  const {
    data,
    model,
    seed,
    orders,
    respondents,
    population,
    wholeFile,
    version,
    source,
    draw,
    fileRespondents = population,
  } = result
  const isPapi = source === 'papi' || (source === undefined && /test-set/i.test(data))
  const drawn = draw === undefined || draw === 'all' ? '' : `, a ${draw} draw`
  return [
    `Model ${model}; ${source === 'simulated' ? 'simulated persons' : `persons of ${data}`}: ${respondents} of ${fileRespondents}${drawn}, seed ${seed}; option orders: ${orders}; palign ${version}.`,
    ...(result.descriptions === undefined ? [] : [`Descriptions of personality-prompt: ${result.descriptions}.`]),
    ...(wholeFile ? [] : ['Only part of the file: not to be compared with tables of the whole file.']),
    ...(population < fileRespondents ? [`Predictors that use other people know ${population} of the file.`] : []),
    ...(isPapi
      ? ['PAPI persons are the nearest to cluster centres: their errors are about half of what ordinary people give.']
      : []),
    ...(source === 'simulated'
      ? ['Simulated persons follow public norms and correlations: they say nothing about real people.']
      : []),
    ...result.rows.flatMap(({ arm, failed }) => (failed === undefined ? [] : [`${arm} failed and has no score: ${failed}.`])),
  ]
}

function errorTable({ rows }: EvaluationResult): Table {
  return {
    title: 'Error on held-out items',
    note: 'Sum of five mean absolute errors of worded answers, 95 % intervals over persons; lower is better. Gain: error with other persons’ predictions minus with one’s own. A row that does not beat item-median with a gain above 0 is not aligned. Uses: nothing of anybody, the person’s own answers, or a population too; compare inside one of them. Published metric: stored values taken for answers to the wording, for comparison with published tables only.',
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
    rows: rows.map((row) => {
      const { arm, regime, corrected, gain, overUnchanged, published, collapsed } = row
      if (row.failed !== undefined) return [arm, regime, 'failed', ...Array.from({ length: 9 }, () => '')]
      return [
        arm,
        regime,
        `${fixed(corrected.sum)} ${range(corrected.interval)}`,
        ...DOMAINS.map((domain) => fixed(corrected[domain])),
        `${fixed(gain.value)} ${range(gain.interval)}`,
        overUnchanged === undefined ? '' : `${fixed(overUnchanged.value)} ${range(overUnchanged.interval)}`,
        fixed(published.sum),
        collapsed === 0 ? '' : `${collapsed}`,
      ]
    }),
  }
}

function likenessTable({ rows }: EvaluationResult): Table {
  const known = rows.filter(({ likeness, style }) => likeness !== undefined || style !== undefined)
  const names = [
    ...new Set(known.flatMap(({ likeness, style }) => [...Object.keys(likeness ?? {}), ...Object.keys(style ?? {})])),
  ]
  return {
    title: 'Likeness beyond the error',
    note: 'Skill: 0 as item medians, 1 as ridge. Errors of the medians and of the means of the answer distributions, beside that of the most likely answers above. People have an acquiescence of 3.08, a negation consistency of .58 and an extremity of .09. KL p95: how far the next token moves on neutral prompts, nats.',
    columns: ['arm', 'skill', 'error of medians', 'error of means', ...names, 'KL p95', 'alpha'],
    rows: known.map(({ arm, skill, median, expected, likeness, style, strength }) => [
      arm,
      fixed(skill),
      fixed(median?.corrected.sum),
      fixed(expected?.sum),
      ...names.map((name) => fixed(likeness?.[name] ?? style?.[name])),
      fixed(strength?.klP95),
      fixed(strength?.alpha),
    ]),
  }
}

function formTable({ rows }: EvaluationResult): Table {
  return {
    title: 'Forms of the question, and scales over persons',
    note: 'Order: difference of the expected answer between the two orders of options. Spread: deviation over all forms. Phrasings: alpha of the phrasings. Positional: persons whose answers follow the place of the option. Alpha, omega, split half: reliability of the domains over persons, means of five. Correlations: distance of the ten domain correlations from those of the persons’ own answers.',
    columns: ['arm', 'order', 'spread', 'phrasings', 'positional', 'alpha', 'omega', 'split half', 'correlations'],
    rows: rows.flatMap(({ arm, forms, scales }) =>
      forms === undefined && scales === undefined
        ? []
        : [
            [
              arm,
              fixed(forms?.order),
              fixed(forms?.spread),
              fixed(forms?.phrasings),
              forms?.positional === undefined ? '' : `${forms.positional}`,
              fixed(scales?.alpha),
              fixed(scales?.omega),
              fixed(scales?.splitHalf),
              fixed(scales?.distance),
            ],
          ],
    ),
  }
}

function efficiencyTable({ dataEfficiency = [] }: EvaluationResult): Table {
  const counts = [...new Set(dataEfficiency.flatMap(({ points }) => points.map(({ items }) => items)))].sort((a, b) => a - b)
  return {
    title: 'Error by number of known items',
    note: 'In square brackets: persons with too few answers for the method, left unsteered.',
    columns: ['arm', ...counts.map((count) => `${count}`)],
    rows: dataEfficiency.map(({ arm, points }) => [
      arm,
      ...counts.map((count) => {
        const point = points.find(({ items }) => items === count)
        if (point === undefined) return ''
        return `${fixed(point.sum)} ${range(point.interval)}${point.tooFew === undefined ? '' : ` [${point.tooFew}]`}`
      }),
    ]),
  }
}

function costTable({ rows }: EvaluationResult): Table {
  const methods = rows.filter(isMethod)
  const names = [...new Set(methods.flatMap(({ cost }) => Object.keys(cost)))]
  return {
    title: 'Cost',
    note: 'Seconds are of one machine on one day; tokens and operations are not. Shared work is done once for all persons.',
    columns: ['what', ...methods.map(({ arm }) => arm)],
    rows: names.map((name) => [name, ...methods.map(({ cost }) => significant(cost[name]))]),
  }
}

function settingsTable({ rows }: EvaluationResult): Table {
  const settings = (of: Readonly<Record<string, number | string>>) =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')
  return {
    title: 'Settings of methods that train',
    note: 'Everything that was set.',
    columns: ['arm', 'settings'],
    rows: rows.flatMap(({ arm, hyperparameters }) => (hyperparameters === undefined ? [] : [[arm, settings(hyperparameters)]])),
  }
}

/** So far away that beside them the others could not be told apart; they stand in the table. */
const FAR_CONSTANTS: readonly string[] = ['constant-1', 'constant-2', 'constant-4', 'constant-5']

function forests({ rows }: EvaluationResult, id: string) {
  const scored = rows.filter(({ arm, failed }) => failed === undefined && !FAR_CONSTANTS.includes(arm))
  type Measured = { readonly value: number | null; readonly interval: readonly [number | null, number | null] }
  const forestRows = (of: (row: ResultRow) => Measured) =>
    scored.flatMap((row): ForestRow[] => {
      const { value, interval } = of(row)
      return value === null ? [] : [{ label: row.arm, value, interval: wholeInterval(interval), reference: !isMethod(row) }]
    })
  const median = rows.find(({ arm }) => arm === 'item-median')?.corrected.sum ?? undefined
  return [
    {
      caption:
        'Error of every arm, 95 % intervals over persons. Filled: methods. Hollow: predictors without a model; constants but 3 are far off and stand in the table.',
      svg: forestPlot({
        id: `${id}-error`,
        title: 'Error of every arm with its interval',
        axis: 'error, sum of five mean absolute errors (lower is better)',
        rows: forestRows(({ corrected }) => ({ value: corrected.sum, interval: corrected.interval })),
        rule: median,
        ruleLabel: 'item median',
      }),
    },
    {
      caption: 'How much of it is about this person: error with other persons’ predictions minus with one’s own.',
      svg: forestPlot({
        id: `${id}-gain`,
        title: 'Gain of every arm over the wrong person with its interval',
        axis: 'gain over the wrong person (higher is more about the person)',
        rows: forestRows(({ gain }) => gain),
        rule: 0,
        ruleLabel: 'nothing of the person',
      }),
    },
  ]
}

const significant = (value: number | null | undefined) =>
  value === null || value === undefined ? '' : Number.isInteger(value) ? `${value}` : value.toPrecision(4)
