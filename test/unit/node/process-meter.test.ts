import { describe, expect, it } from 'vitest'
import { processMeter } from '../../../src/node/process-meter.ts'

describe('process meter', () => {
  it('is never below what the process holds now', () => {
    const held = process.memoryUsage().rss
    // The kernel counts resident pages in batches for each thread: a few megabytes may not be told yet.
    expect(processMeter().peakBytes()).toBeGreaterThan(held - (16 << 20))
  })

  it('sees memory that was used and given back', () => {
    const meter = processMeter()
    meter.resetPeak()
    const before = meter.peakBytes()
    const bytes = 256 << 20
    let filled: Uint8Array | undefined = new Uint8Array(bytes).fill(1)
    expect(filled[bytes - 1]).toBe(1)
    filled = undefined
    // Where the peak cannot begin anew, an earlier one may have hidden part of it.
    const grown = meter.peakBytes() - Math.min(before, process.memoryUsage().rss)
    expect(grown).toBeGreaterThan(bytes / 2)
  })

  it('counts processor time while something is computed, and hardly any while nothing is', async () => {
    const meter = processMeter()
    const start = meter.processorSeconds()
    const until = performance.now() + 100
    while (performance.now() < until);
    const worked = meter.processorSeconds() - start
    await new Promise((resolve) => setTimeout(resolve, 100))
    const idle = meter.processorSeconds() - start - worked
    expect(worked).toBeGreaterThan(0)
    expect(idle).toBeLessThan(worked)
  })
})
