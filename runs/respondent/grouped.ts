/**
 * @file A grouped-query variant of the demo model, to measure what tying heads to their key/value group costs: keys and values of every two neighbouring heads become their
 * mean (as is usual before such a model is trained on), and `palign train` goes on with documents of the recipe's last stage. Called again, it goes on where it stopped.
 * Usage: tsx runs/respondent/grouped.ts FOLDER [THREADS]
 */
import { spawnSync } from 'node:child_process'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { floatTensor, readFloats } from '../../src/formats/float-tensor.ts'
import { type TensorBytes, writeSafetensors } from '../../src/formats/safetensors.ts'
import { writeFileAtomic } from '../../src/node/atomic-write.ts'
import { copyModelText } from '../../src/node/copy-model-text.ts'
import { readModelFolder } from '../../src/node/model-folder.ts'
import { openFile } from '../../src/node/read-file.ts'
import { documents } from './corpus.ts'
import { RECIPE } from './recipe.ts'

const SOURCE = 'models/respondent'
const DOCUMENTS = 10_000
const SEED = 20261125
const GROUP = 2

async function writeGrouped(folder: string): Promise<void> {
  const { config, files } = await readModelFolder(SOURCE)
  await mkdir(folder, { recursive: true })
  await copyModelText({ from: SOURCE, to: folder, except: ['config.json'] })
  const tensors: TensorBytes[] = []
  for (const { name: file, header } of files) {
    const source = await openFile(join(SOURCE, file))
    for (const entry of header.tensors) {
      const values = await readFloats(source, entry)
      const isShared = /\.(k|v)_proj\.weight$/.test(entry.name)
      const [out, width] = entry.shape as [number, number]
      tensors.push(
        isShared
          ? floatTensor(entry.name, [out / GROUP, width], meanOfHeads(values, config.headDim * width))
          : floatTensor(entry.name, entry.shape, values),
      )
    }
    await source.close()
  }
  await writeFileAtomic(join(folder, 'model.safetensors'), writeSafetensors({ tensors, metadata: { format: 'pt' } }))
  const json = { ...RECIPE.model, vocab_size: config.vocabSize, num_key_value_heads: config.kvHeads / GROUP }
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(json, null, 1)}\n`)
}

/** Heads of `size` numbers, two and two. */
function meanOfHeads(values: Float32Array, size: number): Float32Array {
  return Float32Array.from({ length: values.length / GROUP }, (_, i) => {
    const first = Math.floor(i / size) * GROUP * size + (i % size)
    return (values[first]! + values[first + size]!) / GROUP
  })
}

function* lines(): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let left = DOCUMENTS
  for (const document of documents(RECIPE.stages.at(-1)!.mixture, SEED)) {
    if (left-- === 0) return
    yield encoder.encode(`${JSON.stringify(document)}\n`)
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

const [folder, threads = '2'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: tsx runs/respondent/grouped.ts FOLDER [THREADS]')
const [start, data, out] = [join(folder, 'grouped'), join(folder, 'people.jsonl'), join(folder, 'trained')]
if (!(await exists(join(start, 'config.json')))) await writeGrouped(start)
if (!(await exists(data))) await writeFileAtomic(data, lines())
const { tokensPerStep, batchTokens, warmupSteps, weightDecay, beta2 } = RECIPE.training
const options = {
  ...{ model: start, out, data, seed: SEED, threads, epochs: 1, 'tokens-per-step': tokensPerStep, 'batch-tokens': batchTokens },
  ...{ 'warmup-steps': warmupSteps, 'weight-decay': weightDecay, beta2, 'learning-rate': 0.001, 'final-fraction': 0.1 },
}
const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
const { status } = spawnSync('node', ['dist/cli/main.js', 'train', ...words], { stdio: 'inherit' })
if (status !== 0) throw new Error(`palign train ended with status ${status}`)
process.stdout.write(`${out}\n`)
