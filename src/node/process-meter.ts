/**
 * @file Peak resident memory and processor time of this process. Linux: VmHWM, which is begun anew by writing 5 to clear_refs; `maxRSS` there may be the
 * peak of the process that started this one. Elsewhere: the peak since the process began.
 */
import { readFileSync, writeFileSync } from 'node:fs'

export function processMeter(): { resetPeak(): void; peakBytes(): number; processorSeconds(): number } {
  return {
    resetPeak() {
      try {
        writeFileSync('/proc/self/clear_refs', '5')
      } catch {
        // Not Linux, or not allowed: the peak then is the one since the process began.
      }
    },
    peakBytes() {
      if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
      const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
      return kilobytes === undefined ? process.memoryUsage().rss : Number(kilobytes) * 1024
    },
    processorSeconds() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  }
}
