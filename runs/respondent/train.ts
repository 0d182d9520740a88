/**
 * @file Trains the demo model with `palign train`, a run for each stage of the recipe: corpus, training, and on to the next. Called again, it
 * goes on where it stopped: stages that are done are kept, and the one that was running goes on at its last checkpoint. How long each call
 * took for each stage is added to FOLDER/seconds.jsonl.
 * Usage: tsx runs/respondent/train.ts FOLDER [THREADS]
 */
import { spawnSync } from 'node:child_process'
import { access, appendFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { writeFileAtomic } from '../../src/node/atomic-write.ts'
import { documents } from './corpus.ts'
import { RECIPE, type Stage } from './recipe.ts'
import { writeTokenizer } from './train-tokenizer.ts'
import { secondsFile, stageFolder } from './trained.ts'

/** Seeds of stages lie this far apart. */
const SEEDS_OF_A_STAGE = 1_000_003

function* lines(stage: Stage, seed: number): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let left = stage.documents
  for (const document of documents(stage.mixture, seed, stage.itemCorrelation)) {
    if (left-- === 0) return
    yield encoder.encode(`${JSON.stringify(document)}\n`)
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function timed(log: string, stage: string, work: () => void | Promise<void>): Promise<void> {
  const started = performance.now()
  try {
    await work()
  } finally {
    await appendFile(log, `${JSON.stringify({ stage, seconds: Math.round((performance.now() - started) / 1000) })}\n`)
  }
}

function palignTrain(options: Readonly<Record<string, string | number | boolean>>): void {
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  )
  const { status } = spawnSync('node', ['dist/cli/main.js', 'train', ...words], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`palign train ended with status ${status}`)
}

export async function trainDemoModel(folder: string, threads: number): Promise<string> {
  const blank = join(folder, 'blank')
  const vocabulary = await writeTokenizer(blank)
  const config = { ...RECIPE.model, vocab_size: vocabulary }
  await writeFileAtomic(join(blank, 'config.json'), `${JSON.stringify(config, null, 1)}\n`)
  const { tokensPerStep, batchTokens, warmupSteps, weightDecay, beta2 } = RECIPE.training
  let model = blank
  for (const [i, stage] of RECIPE.stages.entries()) {
    const out = stageFolder(folder, i)
    const name = basename(out)
    const data = `${out}.jsonl`
    const seed = RECIPE.seed + i * SEEDS_OF_A_STAGE
    if (!(await exists(join(out, 'config.json')))) {
      process.stderr.write(`stage ${name}: ${stage.documents} documents\n`)
      await timed(secondsFile(folder), name, async () => {
        if (!(await exists(data))) await writeFileAtomic(data, lines(stage, seed))
        palignTrain({
          ...{ model, out, data, seed, threads, epochs: 1 },
          ...(i === 0 && { 'from-scratch': true, 'init-std': RECIPE.initialDeviation }),
          'tokens-per-step': tokensPerStep,
          'batch-tokens': batchTokens,
          'warmup-steps': warmupSteps,
          'weight-decay': weightDecay,
          beta2,
          'learning-rate': stage.learningRate,
          'final-fraction': stage.finalFraction,
        })
      })
    }
    model = out
  }
  return model
}

const [folder, threads = '2'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: tsx runs/respondent/train.ts FOLDER [THREADS]')
process.stdout.write(`${await trainDemoModel(folder, Number(threads))}\n`)
