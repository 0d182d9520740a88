import { describe, expect, it, vi } from 'vitest'
import { memoryUnits, runUnits, type UnitStore, unitKey } from '../../../src/eval/units.ts'

const unit = (key: string, compute = async () => `result of ${key}`) => ({ key, compute: vi.fn(compute) })

describe('units of work', () => {
  it('are computed once, and read from then on, in the order asked for', async () => {
    const store = memoryUnits()
    const units = ['a', 'b', 'a'].map((key) => unit(key))
    expect(await runUnits(store, units)).toEqual(['result of a', 'result of b', 'result of a'])
    expect(units.map(({ compute }) => compute.mock.calls.length)).toEqual([1, 1, 0])
    const again = [unit('b'), unit('a')]
    expect(await runUnits(store, again)).toEqual(['result of b', 'result of a'])
    for (const { compute } of again) expect(compute).not.toHaveBeenCalled()
  })

  it('of another process are waited for, after everything else is done', async () => {
    const store = memoryUnits()
    const held = new Set(['b'])
    const shared: UnitStore = { ...store, claim: async (key) => !held.has(key) && (await store.claim(key)) }
    const units = ['a', 'b', 'c'].map((key) => unit(key))
    const progress: number[] = []
    const wait = async () => {
      await store.write('b', 'by another')
    }
    expect(await runUnits(shared, units, { wait, onProgress: ({ done }) => progress.push(done) })).toEqual([
      'result of a',
      'by another',
      'result of c',
    ])
    expect(units[1]!.compute).not.toHaveBeenCalled()
    expect(progress).toEqual([1, 2, 3])
  })

  it('are taken over where the other process gives them back', async () => {
    const store = memoryUnits()
    let held = true
    const shared: UnitStore = { ...store, claim: async (key) => !held && (await store.claim(key)) }
    const wait = async () => {
      held = false
    }
    expect(await runUnits(shared, [unit('a')], { wait })).toEqual(['result of a'])
  })

  it('are given back when they fail, and what was finished stays', async () => {
    const store = memoryUnits()
    const release = vi.fn(store.release)
    const failing = unit('b', async () => {
      throw new Error('no')
    })
    await expect(runUnits({ ...store, release }, [unit('a'), failing])).rejects.toThrow('no')
    expect(release).toHaveBeenCalledWith('b')
    expect(await store.read('a')).toBe('result of a')
  })

  it('are not computed where another finished them between the look and the claim', async () => {
    const store = memoryUnits()
    const late: UnitStore = {
      ...store,
      async claim(key) {
        await store.write(key, 'by another')
        return true
      },
    }
    const own = unit('a')
    expect(await runUnits(late, [own])).toEqual(['by another'])
    expect(own.compute).not.toHaveBeenCalled()
  })

  it('stop at the signal between two units', async () => {
    const controller = new AbortController()
    const stopping = async () => {
      controller.abort()
      return 'a'
    }
    const units = [unit('a', stopping), unit('b')]
    await expect(runUnits(memoryUnits(), units, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
    expect(units[1]!.compute).not.toHaveBeenCalled()
  })

  it('have keys that depend on everything in their description', async () => {
    const key = await unitKey({ model: 'm', row: 1 })
    expect(key).toMatch(/^[0-9a-f]{64}$/)
    expect(await unitKey({ model: 'm', row: 1 })).toBe(key)
    expect(await unitKey({ model: 'm', row: 2 })).not.toBe(key)
  })
})
