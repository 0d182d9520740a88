/** @file The section of `palign capability`: what personas cost in knowledge, reasoning and truthfulness. */
import type { CapabilityResult, CapabilityRow } from '../capability/result.ts'
import { forestPlot } from './forest-plot.ts'
import { type Figure, fixed, measured, type Section, type Table, wholeInterval } from './section.ts'

export function capabilitySection(result: CapabilityResult, id: string): Section {
  const { model, seed, version, bench, reporting, prompting, margin } = result
  return {
    title: 'Side effects: capability',
    facts: [
      `Model ${model}, seed ${seed}; palign ${version}. A loss of ${margin} points or less counts as none.`,
      ...(reporting ? [] : ['Only part of the documents of a full run: not for reporting.']),
      prompting,
    ],
    figures: differences(result, id),
    tables: [valueTable(result), setTable(bench)],
  }
}

function differences({ rows, margin }: CapabilityResult, id: string): Figure[] {
  const compared = rows.filter(({ primary, difference }) => primary && difference !== undefined)
  const drawn = compared.flatMap(({ arm, task, difference, chance }) => {
    const { value, interval } = difference!
    if (value === null) return []
    const points = wholeInterval(interval)?.map((end) => end * 100) as [number, number] | undefined
    return [{ label: `${task}, ${arm}`, value: value * 100, interval: points, reference: chance }]
  })
  if (drawn.length === 0) return []
  const svg = forestPlot({
    id: `${id}-capability`,
    title: 'Difference of every arm from the unsteered model in the main measure of every task',
    axis: 'points of a hundred, arm minus unsteered',
    rows: drawn,
    rule: -margin,
    ruleLabel: `loss of ${margin} points`,
  })
  return [{ caption: 'What a persona costs. Hollow: the unsteered model only guesses there, so nothing could be lost.', svg }]
}

function valueTable({ rows }: CapabilityResult): Table {
  return {
    title: 'Values and differences',
    note: 'Intervals of 95 %. McNemar: documents that the arm alone gets wrong and right, exact p, and after Holm over arms and tasks. Chance: the unsteered model is not shown to beat guessing. Cut: documents whose context lost its beginning.',
    columns: [
      'arm',
      'task',
      'measure',
      'n',
      'value',
      'chance',
      'difference',
      'worse : better',
      'p',
      'p (Holm)',
      'no loss',
      'cut',
    ],
    rows: rows.map((row) => [
      row.arm,
      row.task,
      row.metric,
      `${row.n}`,
      measured(row),
      row.chance ? `yes (${fixed(row.chanceLevel, 2)})` : '',
      measured(row.difference),
      row.mcnemar === undefined ? '' : `${row.mcnemar.worse} : ${row.mcnemar.better}`,
      fixed(row.mcnemar?.p),
      fixed(row.mcnemar?.pHolm),
      claim(row),
      row.truncated === undefined || row.truncated === 0 ? '' : `${row.truncated}`,
    ]),
  }
}

function claim({ nonInferior }: CapabilityRow): string {
  if (nonInferior === undefined || typeof nonInferior === 'string') return nonInferior ?? ''
  return nonInferior ? 'shown' : 'not shown'
}

function setTable(bench: CapabilityResult['bench']): Table {
  return {
    title: 'Sets',
    note: 'Documents asked, of those in the file, drawn by the hashes of their ids; how they are asked.',
    columns: ['task', 'file', 'documents', 'shots', 'form'],
    rows: bench.map(({ task, file, documents, of, shots, form }) => [task, file, `${documents} of ${of}`, `${shots}`, form]),
  }
}
