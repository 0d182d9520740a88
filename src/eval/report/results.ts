/** @file Which results can be shown: by the field `kind`, each with its own schema and its own section. */
import { PalignError } from '../../errors.ts'
import { parseBehaviourResult } from '../behaviour/result.ts'
import { parseCapabilityResult } from '../capability/result.ts'
import { parseEvaluationResult } from '../evaluation-result.ts'
import { parseOpenEndedResult } from '../open-ended/result.ts'
import { parseRatingsResult } from '../rating/result.ts'
import { parseSafetyResult } from '../safety/result.ts'
import { behaviourSection } from './behaviour.ts'
import { capabilitySection } from './capability.ts'
import { openEndedSection } from './open-ended.ts'
import { ratingsSection } from './ratings.ts'
import { safetySection } from './safety.ts'
import type { Section } from './section.ts'
import { selfReportSection } from './self-report.ts'

export interface ReportedResult {
  readonly kind: string
  /** What was measured, for the title of the page. */
  readonly title: string
  /** As it was read. */
  readonly value: object
  /** @param id begins the names of its figures, unique in the page */
  section(id: string): Section
}

/** @throws PalignError `malformed-file` for what no command of palign writes */
export function parseResult(json: unknown): ReportedResult {
  // Evaluations stored by earlier versions say no kind.
  const kind = (json as { kind?: unknown } | null)?.kind ?? 'self-report'
  switch (kind) {
    case 'self-report':
      return reported('self-report', parseEvaluationResult(json), selfReportSection)
    case 'behaviour':
      return reported('behaviour', parseBehaviourResult(json), behaviourSection)
    case 'capability':
      return reported('capability', parseCapabilityResult(json), capabilitySection)
    case 'safety':
      return reported('safety', parseSafetyResult(json), safetySection)
    case 'open-ended':
      return reported('open-ended', parseOpenEndedResult(json), openEndedSection)
    case 'ratings':
      return reported('ratings', { ...parseRatingsResult(json), model: 'people’s ratings' }, ratingsSection)
    default:
      throw new PalignError('malformed-file', `result is of kind ${JSON.stringify(kind).slice(0, 40)}, which no report shows`, {
        hint: 'give files that palign wrote with --out',
      })
  }
}

function reported<T extends { readonly model: string }>(
  kind: string,
  value: T,
  sectionOf: (value: T, id: string) => Section,
): ReportedResult {
  return { kind, title: value.model, value, section: (id) => sectionOf(value, id) }
}
