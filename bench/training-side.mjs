/**
 * @file Our side of bench/training.bench.ts in a process of its own, answering the same JSON lines as bench/torch/llama.py. It runs
 * the built package in plain Node, because the loader of TypeScript would count in the peak of memory.
 */
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { writeSafetensors } from '../dist/formats/safetensors.js'
import { loadAdapterTrainer, loadModelTrainer } from '../dist/node/load-trainer.js'

const SEED = 1

/** `adapter` is null or { rank, alpha, targets, file, checkpointing }; its first values are written to `file`. */
async function open({ folder, adapter, optimiser, threads }) {
  if (adapter === null) {
    const trainer = await loadModelTrainer({ folder, part: { kind: 'full' }, optimiser, seed: SEED, threads })
    return { trainer, parameters: trainer.parameterCount }
  }
  const { rank, alpha, targets, file, checkpointing } = adapter
  const trainer = await loadAdapterTrainer({ folder, adapter: { rank, alpha, targets }, threads, checkpointing })
  await trainer.begin({ ...optimiser, seed: SEED })
  writeFileSync(file, adapterFile(await trainer.adapter()))
  return { trainer, parameters: trainer.trainableParameters }
}

function adapterFile({ rank, pairs }) {
  const tensors = [...pairs].flatMap(([module, { a, b }]) => [
    tensor(`${module}.lora_A.weight`, [rank, a.length / rank], a),
    tensor(`${module}.lora_B.weight`, [b.length / rank, rank], b),
  ])
  return writeSafetensors({ tensors })
}

function tensor(name, shape, values) {
  return { name, dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) }
}

function trainingBatch(batch) {
  if (batch.kind !== 'likelihood') return batch
  return { kind: 'likelihood', rows: batch.rows.map((tokens) => ({ tokens, weights: tokens.map(() => 1) })) }
}

async function step(trainer, { batch, count }) {
  const losses = []
  const gradientNorms = []
  const begin = performance.now()
  const processor = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const { loss, gradientNorm } = await trainer.step([trainingBatch(batch)])
    losses.push(loss)
    gradientNorms.push(gradientNorm)
  }
  const { user, system } = process.cpuUsage(processor)
  return { losses, gradientNorms, seconds: (performance.now() - begin) / 1000, processorSeconds: (user + system) / 1e6 }
}

let trainer
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...request } = JSON.parse(line)
  let answer
  if (what === 'open') {
    const opened = await open(request)
    trainer = opened.trainer
    answer = { parameters: opened.parameters }
  } else if (what === 'step') answer = await step(trainer, request)
  else throw new Error(`request is ${what}, expected open or step`)
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
await trainer?.dispose()
