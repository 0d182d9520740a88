/** @file Which results can be shown: by the field `kind`, each with its own schema and its own section. */
import { PalignError } from '../../errors.ts'
import { type BehaviourResult, parseBehaviourResult } from '../behaviour/result.ts'
import { type CapabilityResult, parseCapabilityResult } from '../capability/result.ts'
import { type EvaluationResult, parseEvaluationResult } from '../evaluation-result.ts'
import { type OpenEndedResult, parseOpenEndedResult } from '../open-ended/result.ts'
import { parseRatingsResult, type RatingsResult } from '../rating/result.ts'
import { parseSafetyResult, type SafetyResult } from '../safety/result.ts'
import { behaviourSection } from './behaviour.ts'
import { capabilitySection } from './capability.ts'
import { openEndedSection } from './open-ended.ts'
import { ratingsSection } from './ratings.ts'
import { safetySection } from './safety.ts'
import type { Section } from './section.ts'
import { selfReportSection } from './self-report.ts'

export type ReportedResult = { readonly title: string } & (
  | { readonly kind: 'self-report'; readonly value: EvaluationResult }
  | { readonly kind: 'behaviour'; readonly value: BehaviourResult }
  | { readonly kind: 'capability'; readonly value: CapabilityResult }
  | { readonly kind: 'safety'; readonly value: SafetyResult }
  | { readonly kind: 'open-ended'; readonly value: OpenEndedResult }
  | { readonly kind: 'ratings'; readonly value: RatingsResult }
)

/** @throws PalignError `malformed-file` for what no command of palign writes */
export function parseResult(json: unknown): ReportedResult {
  // Evaluations stored by earlier versions say no kind.
  const kind = (json as { kind?: unknown } | null)?.kind ?? 'self-report'
  switch (kind) {
    case 'self-report': {
      const value = parseEvaluationResult(json)
      return { kind: 'self-report', title: value.model, value }
    }
    case 'behaviour': {
      const value = parseBehaviourResult(json)
      return { kind: 'behaviour', title: value.model, value }
    }
    case 'capability': {
      const value = parseCapabilityResult(json)
      return { kind: 'capability', title: value.model, value }
    }
    case 'safety': {
      const value = parseSafetyResult(json)
      return { kind: 'safety', title: value.model, value }
    }
    case 'open-ended': {
      const value = parseOpenEndedResult(json)
      return { kind: 'open-ended', title: value.model, value }
    }
    case 'ratings': {
      const value = parseRatingsResult(json)
      return { kind: 'ratings', title: 'people’s ratings', value }
    }
    default:
      throw new PalignError('malformed-file', `result is of kind ${JSON.stringify(kind).slice(0, 40)}, which no report shows`, {
        hint: 'give files that palign wrote with --out',
      })
  }
}

/** @param id begins the names of its figures, unique in the page */
export function sectionOf(result: ReportedResult, id: string): Section {
  switch (result.kind) {
    case 'self-report':
      return selfReportSection(result.value, id)
    case 'behaviour':
      return behaviourSection(result.value, id)
    case 'capability':
      return capabilitySection(result.value, id)
    case 'safety':
      return safetySection(result.value, id)
    case 'open-ended':
      return openEndedSection(result.value, id)
    case 'ratings':
      return ratingsSection(result.value, id)
    default:
      return result satisfies never
  }
}
