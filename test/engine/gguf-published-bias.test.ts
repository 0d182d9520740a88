import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { planFromGguf } from '../../src/export/gguf-export.ts'
import { readGgufHeader } from '../../src/formats/gguf.ts'
import { writeGgufFile } from '../../src/node/export-gguf.ts'
import { openFile } from '../../src/node/read-file.ts'
import { endLlama, loadLlama, openInLlama, startLlama } from '../../src/node/verify-llama.ts'

const source = new URL('../../../shared/models/stories260K/stories260K-f32.gguf', import.meta.url).pathname
const library = existsSync(source) ? await loadLlama() : undefined
const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe.skipIf(library === undefined)('stories260K as GGUF in llama.cpp (needs ../shared/models and node-llama-cpp)', () => {
  async function logProbability(bias: number): Promise<(token: number) => number> {
    const file = await openFile(source)
    const header = await readGgufHeader(file)
    await file.close()
    const biases = Array.from({ length: 5 }, (_, layer) => new Float64Array(64).fill(layer === 2 ? bias : 0))
    const path = join(scratch, `bias-${bias}.gguf`)
    await writeGgufFile(path, {
      metadata: header.metadata,
      tensors: planFromGguf(header, 'o-bias', biases),
      pathOf: () => source,
    })
    const llama = await startLlama(library!)
    const opened = await openInLlama(llama, { path, vocabSize: 512, contextSize: 32, tokenizer: true })
    const [[values]] = (await opened.distributions([{ tokens: [1, 403, 407, 261, 378], places: [4] }])) as [[Float64Array]]
    expect(await opened.encode!('Once upon a time')).toEqual([1, 403, 407, 261, 378])
    await opened.dispose()
    await endLlama(llama)
    return (token) => values![token]!
  }

  it.each([
    [0, { 432: 17.7994, 383: 14.2813, 322: 9.7097 }],
    [0.1, { 432: 17.4437, 383: 14.3891, 322: 10.0838 }],
  ] as const)('gives the published logits with a bias of %s after o_proj of layer 2', async (bias, logits) => {
    const of = await logProbability(bias)
    // Probabilities are what the program tells: differences of logits.
    for (const token of [383, 322] as const)
      expect(Math.abs(of(432) - of(token) - (logits[432] - logits[token]))).toBeLessThan(1e-3)
  })
})
