import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CARRIER_CELLS, carrierOutcome, LLAMA_CPP_RELEASE } from '../../src/export/carriers.ts'
import { compareDistributions, type Distributions } from '../../src/export/verification.ts'
import { endLlama, loadLlama, openInLlama, startLlama } from '../../src/node/verify-llama.ts'
import { ARCHITECTURES, architectureFile, type BiasTensor, SIZES } from '../fixtures/gguf-architectures.ts'

const library = await loadLlama()
const llama = library && (await startLlama(library))
const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(async () => {
  if (llama !== undefined) await endLlama(llama)
  rmSync(scratch, { recursive: true })
})

const PROBES = [{ tokens: [1, 5, 9, 20, 33, 7, 12], places: [2, 6] }]
const CARRIERS = { 'o-bias': 'attn_output.bias', 'v-bias': 'attn_v.bias' } as const

describe.skipIf(llama === undefined)('biases in llama.cpp (needs node-llama-cpp)', () => {
  async function answers(architecture: string, bias?: BiasTensor): Promise<{ given: Distributions; program: string }> {
    const path = join(scratch, `${architecture}-${bias ?? 'none'}.gguf`)
    writeFileSync(path, architectureFile(architecture, bias))
    const opened = await openInLlama(llama!, { path, vocabSize: SIZES.vocabulary, contextSize: 32, tokenizer: false })
    try {
      return { given: await opened.distributions(PROBES), program: opened.program }
    } finally {
      await opened.dispose()
    }
  }

  it('are measured for the release that the table is about', async () => {
    expect((await answers('llama')).program).toContain(LLAMA_CPP_RELEASE)
  })

  it.each(Object.keys(ARCHITECTURES))('of %s do what the table of carriers says', async (architecture) => {
    const base = (await answers(architecture)).given
    for (const [carrier, bias] of Object.entries(CARRIERS) as ['o-bias' | 'v-bias', BiasTensor][]) {
      const outcome = await answers(architecture, bias).then(
        // The biases have deviation near .7 beside activations near 1: where they act, they act at once.
        ({ given }) => (compareDistributions(given, base).totalVariation > 0.01 ? 'applied' : 'ignored'),
        () => 'load error',
      )
      expect({ carrier, outcome }).toEqual({ carrier, outcome: carrierOutcome('llama.cpp', architecture, carrier) })
    }
  })

  it('has a fixture for every architecture of the table', () => {
    const listed = CARRIER_CELLS.filter(({ target }) => target === 'llama.cpp').map(({ architecture }) => architecture)
    expect(new Set(listed)).toEqual(new Set(Object.keys(ARCHITECTURES)))
  })
})
