import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { assertSameSettings, type Checkpoint, readCheckpoint, writeCheckpoint } from '../../../src/node/checkpoint.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-checkpoint-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const tensors = (...values: number[]) => new Map([['a.weight', Float32Array.from(values)]])
const checkpoint = (step: number): Checkpoint => ({
  state: { step, parameters: tensors(0.1, -2), firstMoments: tensors(1e-30, 3), secondMoments: tensors(0, step) },
  place: { stage: 1, stageStep: 2, data: { epoch: 3, batch: 4 }, step, tokens: 567 },
  lossBytes: 89,
  settings: { seed: 1, stages: [{ data: [{ name: 'a.jsonl', sha256: '00' }], steps: 10 }] },
})

describe('a checkpoint', () => {
  it('comes back as it was, to the last bit', async () => {
    const folder = join(scratch, 'back')
    await writeCheckpoint(folder, checkpoint(12))
    expect(await readCheckpoint(folder)).toEqual(checkpoint(12))
  })

  it('is the latest of a folder that keeps two', async () => {
    const folder = join(scratch, 'two')
    for (const step of [9, 10, 100]) await writeCheckpoint(folder, checkpoint(step))
    expect((await readCheckpoint(folder))?.place.step).toBe(100)
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('is undefined where there is none', async () => {
    expect(await readCheckpoint(join(scratch, 'nowhere'))).toBeUndefined()
  })
})

describe('settings of a run', () => {
  const settings = { seed: 1, part: { kind: 'full' }, stages: [{ data: [{ sha256: 'aa' }], steps: 10 }] }

  it('may be written in another order', () => {
    const { stages, ...rest } = settings
    expect(() => assertSameSettings(settings, { stages, ...rest })).not.toThrow()
  })

  it('are named one by one where they are not as they were', () => {
    const other = { seed: 2, part: { kind: 'full' }, stages: [{ data: [{ sha256: 'bb' }], steps: 10 }], threads: 1 }
    expect(() => assertSameSettings(settings, other)).toThrow(
      'run goes on with other settings: seed was 1 and is 2, stages.0.data.0.sha256 was "aa" and is "bb", threads was not there and is 1',
    )
  })
})
