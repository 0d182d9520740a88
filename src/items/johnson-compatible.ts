/** @file Percentiles as Johnson's scoring program prints them: a cubic in T. Only for comparison with that program. */

/** T where the cubic peaks (99.67) and starts to fall. */
const PEAK = 70.94

/** The cubic itself: within 1.93 points of the normal distribution between T 32 and 73, and falling above T 70.94. */
export function johnsonCompatibleCubic(t: number): number {
  return 210.335958661391 + t * (-16.7379362643389 + t * (0.405936512733332 - t * 0.00270624341822222))
}

/** Johnson-compatible percentile, 1..99: 1 below T 32, 99 above the peak, and never falling with T. */
export function johnsonCompatiblePercentile(t: number): number {
  if (t < 32) return 1
  return t > PEAK ? 99 : Math.min(johnsonCompatibleCubic(t), 99)
}
