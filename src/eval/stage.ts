/** @file How long work tells of itself: one stage after the other, each with its progress. */
import type { Progress } from '../model/language-model.ts'

export interface Stage {
  update(progress: Progress): void
  end(): void
}

/** Called with the name of every stage as it begins. */
export type OnStage = (name: string) => Stage

/** Tells nobody. */
export const silently: OnStage = () => ({ update: () => undefined, end: () => undefined })
