/** @file In what precision a model's weights are wanted. */

/** Floats of 32 or 16 bits, or blocks of 8 or 4 (`formats/quantised-matrix.ts`). */
export const PRECISIONS = ['f32', 'f16', 'q8', 'q4'] as const
export type Precision = (typeof PRECISIONS)[number]
