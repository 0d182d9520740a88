/**
 * @file The published numbers beside ours, and what of it can be compared: docs/reproduction.md shows exactly this, and a test compares. Prints it for
 * `tsx runs/published-table.ts`. Published: paper of ICLR 2025, as far as its numbers are known; how surely stands beside them.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TableRow } from '../src/eval/table.ts'
import type { TimeRatio } from '../src/eval/time-ratios.ts'

interface Stored {
  readonly rows: readonly TableRow[]
  readonly timeRatios?: readonly TimeRatio[]
}

interface Line {
  readonly what: string
  readonly published: string
  readonly certainty: 'certain' | 'likely' | 'single source' | 'exact'
  /** The arm of ours, and the result it stands in. */
  readonly ours?: { readonly arm: string; readonly result: string } | undefined
  readonly comparable: string
}

const LARGE = '300 persons'
const SMALL = '30 persons'
const RESULTS: Readonly<Record<string, string>> = {
  [LARGE]: 'papi-300-respondent',
  [SMALL]: 'papi-30-respondent',
  'as published, 30 persons': 'papi-30-respondent-items',
}

const OTHER_MODEL = 'persons, items and metric yes; the model no: 8,000 million weights there, 1.5 million here'

const LINES: readonly Line[] = [
  {
    what: 'PAS, Llama-3-8B-Instruct',
    published: '4.41',
    certainty: 'likely',
    ours: { arm: 'pas:as-published', result: 'as published, 30 persons' },
    comparable: `${OTHER_MODEL}; ours repeats the faults of the released protocol (alpha picked on the test questions), so it is no evidence`,
  },
  {
    what: 'the same without its faults of protocol',
    published: '',
    certainty: 'likely',
    ours: { arm: 'few-shot+pas:published', result: LARGE },
    comparable: 'not published; the published metric still punishes honest answers',
  },
  {
    what: 'few-shot, Llama-3-8B-Instruct',
    published: '5.96',
    certainty: 'single source',
    ours: { arm: 'few-shot', result: LARGE },
    comparable: OTHER_MODEL,
  },
  {
    what: 'few-shot, Llama-3-70B-Instruct',
    published: '5.21',
    certainty: 'single source',
    comparable: 'no: no such model was run',
  },
  {
    what: 'PAS, Llama-3-70B-Instruct',
    published: '4.74',
    certainty: 'single source',
    comparable: 'no: no such model was run; published perhaps on 30 persons and in 4 bits',
  },
  { what: 'GPT-4o', published: '4.42', certainty: 'single source', comparable: 'no: hosted, prompt unknown' },
  {
    what: 'DPO, Llama-3-8B-Instruct',
    published: '7.45',
    certainty: 'single source',
    ours: { arm: 'dpo', result: SMALL },
    comparable: `${OTHER_MODEL}; the pairs of the paper are not known`,
  },
  {
    what: 'PPO, Llama-3-8B-Instruct',
    published: '7.62',
    certainty: 'single source',
    ours: { arm: 'ppo', result: SMALL },
    comparable: OTHER_MODEL,
  },
  {
    what: 'always "Neither"',
    published: '3.80',
    certainty: 'exact',
    ours: { arm: 'constant-3', result: LARGE },
    comparable: 'yes: no model in it; better than every published row',
  },
  {
    what: 'always "Moderately Accurate"',
    published: '4.05',
    certainty: 'exact',
    ours: { arm: 'constant-4', result: LARGE },
    comparable: 'yes: no model in it',
  },
  {
    what: 'always "Very Accurate"',
    published: '8.33',
    certainty: 'exact',
    ours: { arm: 'constant-5', result: LARGE },
    comparable: 'yes: no model in it',
  },
]

const TEXT_LINES = (ratios: readonly TimeRatio[]): readonly (readonly string[])[] => [
  ...(['dpo', 'ppo'] as const).map((other) => {
    const ratio = ratios.find((candidate) => candidate.steering === 'pas' && candidate.trained === other)
    return [
      `optimisation time of PAS over ${other.toUpperCase()}'s`,
      other === 'dpo' ? '1/5' : '1/6',
      'certain',
      ratio === undefined ? 'none' : `${ratio.ratio.toFixed(4)} per person, search for alpha included`,
      '',
      'as a ratio on one machine, yes; its size depends on the model and on how well the trainer is made',
    ]
  }),
  [
    'human rating: aligned preferred / misaligned / tie',
    '38 / 15 / 31 %',
    'single source',
    'none',
    '',
    'no: needs people; `palign rate` makes and reads such a study',
  ],
  [
    'GSM8K before and after PAS',
    '73.47 / 74.15 %',
    'single source',
    'none',
    '',
    'no: the demo model solves no problem; `palign capability` measures it for others',
  ],
  ['open-ended answers, judged', 'unknown', 'single source', 'none', '', 'no: the numbers are not known'],
]

export function publishedTable(): string {
  const stored = new Map(Object.entries(RESULTS).map(([name, file]) => [name, read(file)]))
  const lines = LINES.map(({ what, published, certainty, ours, comparable }) => {
    const row = ours && stored.get(ours.result)?.rows.find(({ arm }) => arm === ours.arm)
    const [metric, corrected] =
      row === undefined
        ? ['none', '']
        : [
            `${row.published.sum.toFixed(2)} (${row.arm}, ${ours!.result})`,
            row.failed === undefined ? row.corrected.sum.toFixed(2) : 'failed',
          ]
    return [what, published, published === '' ? '' : certainty, metric, corrected, comparable]
  })
  return [
    '| what | published | how sure | ours, published metric | ours, corrected | comparable |',
    '|---|---|---|---|---|---|',
    ...[...lines, ...TEXT_LINES(stored.get(SMALL)?.timeRatios ?? [])].map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')
}

function read(name: string): Stored {
  return JSON.parse(readFileSync(new URL(`results/${name}.json`, import.meta.url), 'utf8')) as Stored
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(publishedTable())
