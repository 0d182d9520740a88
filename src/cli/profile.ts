/** @file `palign profile`: the scores of a person with norm, percentile and interval. */
import { PalignError } from '../errors.ts'
import { JOHNSON_NORMS_120, JOHNSON_NORMS_300, type NormTable, SD3_WEB_NORMS } from '../items/norms.ts'
import type { Profile, ProfileScale } from '../people/profile.ts'
import { profile } from '../people/profile.ts'
import type { Respondent } from '../people/respondent.ts'
import { readRespondent } from './answers.ts'
import { print, printJson } from './output.ts'

const NORMS: readonly NormTable[] = [JOHNSON_NORMS_120, JOHNSON_NORMS_300, SD3_WEB_NORMS]

interface ProfileOptions {
  readonly data: string
  readonly row: number
  readonly json?: boolean
}

export async function profileCommand({ data, row, json }: ProfileOptions): Promise<void> {
  const scores = profileOf(await readRespondent(data, row))
  if (json) printJson(scores)
  else for (const line of profileLines(scores)) print(line)
}

export function profileOf(respondent: Respondent): Profile {
  const norms = NORMS.find(({ form }) => form === respondent.questionnaire.id)
  if (norms === undefined) throw new PalignError('invalid-input', `questionnaire ${respondent.questionnaire.id} has no norms`)
  return profile(respondent, { norms })
}

/** Domains, then facets where there are any, and where the norms come from. */
export function profileLines({ questionnaire, norm, domains, facets }: Profile): string[] {
  const group =
    norm.kind === 'norm'
      ? [`norm group: ${norm.cell} (${norm.id}, version ${norm.version}; ${norm.source})`]
      : [`no norm group: ${norm.reason}; scores stay raw`]
  return [
    questionnaire,
    header(),
    ...domains.map(scaleLine),
    ...(facets.length === 0 ? [] : ['', ...facets.map(scaleLine)]),
    '',
    ...group,
    'Intervals are 95 % bands for the error of measurement. Not a diagnosis, not for selection or employment.',
  ]
}

const NAME_WIDTH = 26
const header = () => `${'scale'.padEnd(NAME_WIDTH)} answered    raw      T     interval   percentile  interval`

function scaleLine(scale: ProfileScale): string {
  const { trait, answered } = scale
  const start = `${`${trait.code} ${trait.name}`.padEnd(NAME_WIDTH)} ${`${answered}/${trait.items.length}`.padStart(8)}`
  if (scale.kind === 'refused') return `${start}  ${scale.reason}`
  const raw = `${start} ${scale.raw.toFixed(1).padStart(6)}`
  if (scale.kind === 'raw') return raw
  const band = (values: readonly [number, number]) => values.map((value) => value.toFixed(0)).join('-')
  return `${raw} ${scale.t.toFixed(1).padStart(6)} ${band(scale.interval.t).padStart(12)} ${scale.percentile.value.toFixed(0).padStart(12)} ${band(scale.interval.percentile).padStart(9)}`
}
