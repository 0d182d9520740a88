import { describe, expect, it } from 'vitest'
import { memoryMeter } from '../../../src/node/memory-meter.ts'

describe('memory meter', () => {
  it('is never below what the process holds now', () => {
    const held = process.memoryUsage().rss
    // The kernel counts resident pages in batches for each thread: a few megabytes may not be told yet.
    expect(memoryMeter().peakBytes()).toBeGreaterThan(held - (16 << 20))
  })

  it('sees memory that was used and given back', () => {
    const meter = memoryMeter()
    meter.reset()
    const before = meter.peakBytes()
    const bytes = 256 << 20
    let filled: Uint8Array | undefined = new Uint8Array(bytes).fill(1)
    expect(filled[bytes - 1]).toBe(1)
    filled = undefined
    // Where the peak cannot begin anew, an earlier one may have hidden part of it.
    const grown = meter.peakBytes() - Math.min(before, process.memoryUsage().rss)
    expect(grown).toBeGreaterThan(bytes / 2)
  })
})
