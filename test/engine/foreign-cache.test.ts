/** @file Graphs of others whose past is kept beside them and not copied with every token. */
import { describe, expect, it } from 'vitest'
import { continuesAlike } from '../../src/engine/foreign-self-test.ts'
import { openForeignDecoder, openForeignEngine } from '../../src/engine/open-foreign-engine.ts'
import type { OrtSession } from '../../src/engine/ort-decoder.ts'
import { collected } from '../fixtures/collected.ts'
import { genaiModel } from '../fixtures/exported-genai.ts'
import { optimumModel } from '../fixtures/exported-optimum.ts'
import { randomModel } from '../fixtures/random-model.ts'
import { readExported } from './open-exported.ts'

const random = randomModel({ seed: 5 })
const tokens = Array.from({ length: 70 }, (_, i) => (i * 37 + 5) % 101)

/** What sessions are asked for, one list a session. */
function watched(exported: Awaited<ReturnType<typeof readExported>>) {
  const asked: Set<string>[] = []
  const createSession: typeof exported.runtime.createSession = async (...given) => {
    const session = await exported.runtime.createSession(...given)
    const names = new Set<string>()
    asked.push(names)
    const run: OrtSession['run'] = (feeds, fetches) => {
      for (const name of Object.keys(fetches as object)) names.add(name)
      return session.run(feeds, fetches as never)
    }
    return { inputNames: session.inputNames, run, release: () => session.release() }
  }
  return { asked, opened: { ...exported, runtime: { ...exported.runtime, createSession } } }
}

describe('a graph whose present is its past and the new tokens', () => {
  it('is asked for the new tokens alone, and writes what it writes otherwise', async () => {
    const exported = await readExported(random, await optimumModel(random))
    expect(exported.plan.interface.canKeepCache).toBe(true)
    const { asked, opened } = watched(exported)
    const model = await openForeignEngine({ ...opened, seesAllTokens: true })
    const written = await collected(model.generateTokens({ tokens: tokens.slice(0, 20), maxTokens: 30, topLogprobs: 1 }))
    const kept = asked.at(-1)!
    expect([...kept].filter((name) => name.startsWith('present'))).toEqual([])
    expect(kept.size).toBe(1 + 2 * random.config.layers)

    const plain = await openForeignDecoder(exported, 'decode')
    let { state, logits } = await plain.forward({ tokens: tokens.slice(0, 20), logitsAt: [19] })
    for (const { token } of written) {
      expect(token).toBe(logits.indexOf(Math.max(...logits)))
      ;({ state, logits } = await plain.forward({ tokens: [token], past: state, logitsAt: [0] }))
    }
    await model.dispose()
    await plain.dispose()
    exported.close()
  })

  it('is used as it came where hidden places of the past change the answer', async () => {
    const exported = await readExported(random, await optimumModel(random))
    const [plain, keeping] = [
      await openForeignDecoder(exported, 'decode'),
      await openForeignDecoder(exported, 'decode', { keepsCache: true }),
    ]
    expect(await continuesAlike(plain, keeping)).toBe(true)
    // A graph that does not look at its mask sees keys of zeros.
    const { runtime } = exported
    const createSession: typeof runtime.createSession = async (...given) => {
      const session = await runtime.createSession(...given)
      const run: OrtSession['run'] = (feeds, fetches) => {
        const { attention_mask: mask } = feeds
        if (mask !== undefined) (mask.data as BigInt64Array).fill(1n)
        return session.run(feeds, fetches as never)
      }
      return { inputNames: session.inputNames, run, release: () => session.release() }
    }
    const blind = await openForeignDecoder({ ...exported, runtime: { ...runtime, createSession } }, 'decode', {
      keepsCache: true,
    })
    expect(await continuesAlike(plain, blind)).toBe(false)
    for (const decoder of [plain, keeping, blind]) await decoder.dispose()
    exported.close()
  })

  it('is used as it came where the config does not say that tokens see all before them', async () => {
    const exported = await readExported(random, await optimumModel(random))
    const { asked, opened } = watched(exported)
    const model = await openForeignEngine(opened)
    await collected(model.generateTokens({ tokens: tokens.slice(0, 9), maxTokens: 2 }))
    expect([...asked.at(-1)!].filter((name) => name.startsWith('present'))).toHaveLength(2 * random.config.layers)
    await model.dispose()
    exported.close()
  })

  it('is not one whose attention is an operator of its own', async () => {
    const exported = await readExported(random, await genaiModel(random))
    expect(exported.plan.interface.canKeepCache).toBe(false)
    exported.close()
  })
})
