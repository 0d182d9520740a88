/** @file A statement that one would say or not, and what somebody with the trait answers. */

export interface PersonaStatement {
  /** The question as it is put: asks whether one would say the statement. */
  readonly question: string
  /** The statement alone. */
  readonly statement: string
  /** The answer of somebody who has the trait. */
  readonly matching: 'Yes' | 'No'
  /** How sure it is that the answer tells the trait, 0..1. */
  readonly confidence: number
}
