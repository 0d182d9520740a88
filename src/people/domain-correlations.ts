/** @file How domain scores go together in people. */

/** Of the 300 PAPI test persons, in the order A C E N O. */
export const IPIP_NEO_CORRELATIONS: readonly (readonly number[])[] = [
  [1, 0.438, 0.154, -0.254, 0.215],
  [0.438, 1, 0.254, -0.584, -0.059],
  [0.154, 0.254, 1, -0.508, 0.365],
  [-0.254, -0.584, -0.508, 1, -0.096],
  [0.215, -0.059, 0.365, -0.096, 1],
]

/** Of the web sample that the norms of the Short Dark Triad come from, in the order M N P. */
export const SD3_CORRELATIONS: readonly (readonly number[])[] = [
  [1, 0.673, 0.514],
  [0.673, 1, 0.567],
  [0.514, 0.567, 1],
]
