/** @file Who is evaluated: everybody in a file, a draw from it, or simulated persons; the result names which. */
import { basename } from 'node:path'
import { PalignError } from '../errors.ts'
import { respondentCount } from '../items/answer-matrix.ts'
import { IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { type Draw, drawRows } from '../people/draw.ts'
import type { Respondent } from '../people/respondent.ts'
import { respondentAt } from '../people/sample.ts'
import { simulateRespondents } from '../people/simulate.ts'
import { readAnswers } from './answers.ts'

export interface PersonsOptions {
  readonly data?: string
  readonly simulate?: number
  readonly respondents?: number
  readonly draw: Draw
  readonly seed: number
}

export interface Persons {
  /** Of a larger file a part: predictors that know other people learn from these. */
  readonly population: readonly Respondent[]
  /** Places in the population of those who are evaluated. */
  readonly rows: readonly number[]
  /** Fields of the result that say who they are. */
  readonly origin: {
    readonly data: string
    readonly dataSha256: string | null
    readonly source: 'papi' | 'file' | 'simulated'
    readonly draw: 'all' | Draw
    readonly respondents: number
    readonly population: number
    readonly fileRespondents: number
    readonly wholeFile: boolean
  }
}

/** Respondents as objects are large: of a larger file the population is a draw. */
const MAX_POPULATION = 5000
const POPULATION_OF_LARGE_FILE = 3000

/** @throws PalignError `invalid-input` unless one of `data` and `simulate` is given, or for a file of another questionnaire */
export async function choosePersons(options: PersonsOptions): Promise<Persons> {
  if ((options.data === undefined) === (options.simulate === undefined)) {
    throw new PalignError('invalid-input', 'persons are given twice or not at all, expected --data or --simulate')
  }
  return options.data === undefined ? simulated(options) : fromFile(options.data, options)
}

function simulated({ simulate: count = 1, respondents = count, seed }: PersonsOptions): Persons {
  const population = simulateRespondents({ count, seed, questionnaire: IPIP_NEO_300 })
  if (respondents < 1 || respondents > count) {
    throw new PalignError('invalid-input', `${count} persons are simulated, ${respondents} were asked for`)
  }
  return {
    population,
    rows: Array.from({ length: respondents }, (_, row) => row),
    origin: {
      data: 'simulated persons',
      dataSha256: null,
      source: 'simulated',
      draw: respondents === count ? 'all' : 'random',
      respondents,
      population: count,
      fileRespondents: count,
      wholeFile: respondents === count,
    },
  }
}

async function fromFile(path: string, { respondents: wanted, draw, seed }: PersonsOptions): Promise<Persons> {
  const { sample, format, sha256 } = await readAnswers(path)
  if (sample.questionnaire.id !== IPIP_NEO_300.id) {
    throw new PalignError(
      'invalid-input',
      `file ${path} answers ${sample.questionnaire.id}, the evaluation needs ${IPIP_NEO_300.id}`,
      { hint: 'held-out items are the 180 items that only the long form has' },
    )
  }
  const all = respondentCount(sample)
  const count = wanted ?? all
  if (count > MAX_POPULATION) {
    throw new PalignError(
      'invalid-input',
      `file ${path} has ${all} respondents, at most ${MAX_POPULATION} are evaluated at once`,
      {
        hint: 'give --respondents, and --draw stratified to keep the shares of sexes and ages',
      },
    )
  }
  const drawn = drawRows(sample, { count, seed, draw })
  const others = all <= MAX_POPULATION ? all : Math.min(all, POPULATION_OF_LARGE_FILE)
  const members = [...new Set([...drawn, ...drawRows(sample, { count: others, seed: seed + 1, draw: 'random' })])].sort(
    (a, b) => a - b,
  )
  const isDrawn = new Set(drawn)
  const rows = members.flatMap((row, place) => (isDrawn.has(row) ? [place] : []))
  return {
    population: members.map((row) => respondentAt(sample, row)),
    rows,
    origin: {
      data: basename(path),
      dataSha256: sha256,
      source: format === 'papi' ? 'papi' : 'file',
      draw: count === all ? 'all' : draw,
      respondents: count,
      population: members.length,
      fileRespondents: all,
      wholeFile: count === all,
    },
  }
}
