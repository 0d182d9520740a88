/** @file The costs of the methods as a second table, and what the trained ones were run with. */
import { alignedColumns } from './columns.ts'
import type { TableRow } from './table.ts'

const COLUMNS: readonly (readonly [title: string, cost: string, scale: number, digits: number])[] = [
  ['shared s', 'sharedSeconds', 1, 2],
  ['optimise s', 'optimisationSecondsPerPerson', 1, 3],
  ['search s', 'searchSecondsPerPerson', 1, 3],
  ['answer s', 'answerSecondsPerPerson', 1, 3],
  ['total s', 'totalSeconds', 1, 1],
  ['forward tokens', 'forwardTokens', 1, 0],
  ['trained tokens', 'trainedTokensPerPerson', 1, 0],
  ['shared GFLOP', 'sharedFlops', 1e-9, 2],
  ['align GFLOP', 'alignFlops', 1e-9, 2],
  ['bytes', 'storedBytesPerPerson', 1, 0],
  ['peak MB', 'peakMemoryBytes', 1e-6, 0],
]

/** Rows of methods only: floors cost next to nothing. Where a column is not of all persons it is per person. */
export function formatCosts(rows: readonly TableRow[]): string {
  const methods = rows.filter(({ cost }) => cost.optimisationSecondsPerPerson !== undefined)
  if (methods.length === 0) return ''
  const cells = methods.map(({ arm, cost }) => {
    const values = { ...cost, ...perPersonSums(cost) }
    return [
      cost.divergedPersons === undefined ? arm : `${arm} !`,
      ...COLUMNS.map(([, name, scale, digits]) => (values[name] === undefined ? '' : (values[name] * scale).toFixed(digits))),
    ]
  })
  const titles = ['cost per person', ...COLUMNS.map(([title]) => title)]
  const diverged = methods.flatMap(({ arm, cost: { divergedPersons } }) =>
    divergedPersons === undefined
      ? []
      : [`! training of ${arm} diverged and was stopped for ${divergedPersons} persons; they answer with what it had reached`],
  )
  const unrewarded = methods.flatMap(({ arm, cost: { unrewardedPersons } }) =>
    unrewardedPersons === undefined
      ? []
      : [
          `${arm} never wrote the text of an option for ${unrewardedPersons} persons: every reward was the lowest, nothing was learnt`,
        ],
  )
  const settings = methods.flatMap(({ arm, hyperparameters }) =>
    hyperparameters === undefined
      ? []
      : [
          `${arm}: ${Object.entries(hyperparameters)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ')}`,
        ],
  )
  const meaning = 'shared, total and peak are of the whole run; forward tokens: optimisation and search; operations by formula'
  return [...alignedColumns([titles, ...cells]), '', meaning, ...diverged, ...unrewarded, ...settings].join('\n')
}

function perPersonSums(cost: TableRow['cost']): Record<string, number | undefined> {
  const sum = (a: number | undefined, b: number | undefined) => (a === undefined || b === undefined ? undefined : a + b)
  return {
    forwardTokens: sum(cost.optimisationForwardTokensPerPerson, cost.searchForwardTokensPerPerson),
    alignFlops: sum(cost.optimisationFlopsPerPerson, cost.searchFlopsPerPerson),
  }
}
