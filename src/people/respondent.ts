/** @file A person who answered. No name, case number or time of completion is ever kept. */
import type { Questionnaire, Worded } from '../items/questionnaire.ts'

export interface Respondent {
  /** Position in the file it came from, from 0: the only identifier results carry. */
  readonly row: number
  readonly questionnaire: Questionnaire
  readonly answers: Worded
  /** As stated; absent where it was not. */
  readonly sex?: Sex | undefined
  readonly age?: number | undefined
  readonly country?: string | undefined
}

export type Sex = 'male' | 'female' | 'other'
