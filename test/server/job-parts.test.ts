import { expect, it } from 'vitest'
import { breathing } from '../../src/server/job-parts.ts'

it('work lets the event loop go round when it has taken a while, and not before', async () => {
  let time = 0
  let rounds = 0
  const breathe = breathing(() => time)
  const count = () => {
    rounds++
    pending = setImmediate(count)
  }
  let pending = setImmediate(count)
  for (let probe = 0; probe < 30; probe++) {
    time += 1
    await breathe()
  }
  clearImmediate(pending)
  expect(rounds).toBeGreaterThanOrEqual(1)
  expect(rounds).toBeLessThanOrEqual(2)
})
