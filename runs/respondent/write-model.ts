/**
 * @file Writes the demo model as it is shipped: the last stage's weights, the tokenizer, the loss curve and a card whose numbers come from
 * runs/results/demo-model.json. Usage: tsx runs/respondent/write-model.ts FOLDER TO, FOLDER from train.ts
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../src/node/atomic-write.ts'
import { lossCurve } from '../../src/train/loss-curve.ts'
import type { DemoModelResult } from './check.ts'
import { RECIPE } from './recipe.ts'
import { allLosses, lastStage } from './trained.ts'

const RESULT = 'runs/results/demo-model.json'
const FILES = ['model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'config.json'] as const

function card({ stages, people, letterMass, errors, gains, marks, seed }: DemoModelResult, parameters: number): string {
  const { hidden_size, num_hidden_layers, num_attention_heads, head_dim, intermediate_size } = RECIPE.model
  const minutes = (seconds: number) => (seconds / 60).toFixed(0)
  const number = (value: number | undefined) => (value === undefined ? '' : (Math.abs(value) < 5e-4 ? 0 : value).toFixed(3))
  const arms = ['unchanged', 'personality-prompt', 'few-shot', 'constant-3', 'item-median', 'own-facet', 'ridge']
  return `---
license: mit
---
# respondent: the embedded demo model

A Llama of ${parameters.toLocaleString('en')} parameters in f32 (${num_hidden_layers} layers, width ${hidden_size}, ${num_attention_heads} heads of ${head_dim}, feed-forward ${intermediate_size}, untied
output layer) that answers personality questionnaires. It was trained from random weights by palign itself, on nothing but **simulated** people:
\`runs/train-demo-model.sh\` makes it again. It holds no answer of any real person.

It knows the statements of the IPIP-NEO-300, the five-option question, a list of earlier answers or a description of a person before it, and short
open questions about a person's ways. It is not a language model that can talk about anything else.

## How it was trained
Seed ${seed}. Stages follow each other; \`runs/respondent/recipe.ts\` says what each is made of and why.

| stage | steps | tokens | loss at the end, nats | minutes |
|---|---|---|---|---|
${stages.map(({ name, steps, tokens, finalLoss, seconds }) => `| ${name} | ${steps} | ${tokens.toLocaleString('en')} | ${finalLoss.toFixed(3)} | ${minutes(seconds)} |`).join('\n')}
| all | ${stages.reduce((sum, { steps }) => sum + steps, 0)} | ${stages.reduce((sum, { tokens }) => sum + tokens, 0).toLocaleString('en')} | | ${minutes(stages.reduce((sum, { seconds }) => sum + seconds, 0))} |

![loss over the steps](loss.svg)

Losses of different stages are of different documents and not to be compared.

## What it does
On ${people} simulated people it was not trained on, mean absolute error for each of the 180 items that are not in the prompt, and the gain over
another person's prediction (sum of five domains). Mass on the option letters: ${number(letterMass)}.

| arm | error | gain |
|---|---|---|
${arms.map((arm) => `| ${arm} | ${number(errors[arm])} | ${number(gains[arm])} |`).join('\n')}

${Object.entries(marks)
  .map(([mark, isReached]) => `- ${mark}: ${isReached ? 'yes' : 'no'}`)
  .join('\n')}

What it does on real people is in the README of palign: nothing about the model was chosen on them.
`
}

export async function writeModel(folder: string, to: string): Promise<void> {
  const from = lastStage(folder)
  const result = JSON.parse(await readFile(RESULT, 'utf8')) as DemoModelResult
  await writeFileAtomic(join(to, 'loss.svg'), lossCurve(await allLosses(folder)))
  const weights = await readFile(join(from, 'model.safetensors'))
  const headerBytes = 8 + Number(weights.readBigUInt64LE())
  await writeFileAtomic(join(to, 'README.md'), card(result, (weights.length - headerBytes) / Float32Array.BYTES_PER_ELEMENT))
  // A folder with a config.json is complete: it comes last.
  for (const name of FILES) await writeFileAtomic(join(to, name), await readFile(join(from, name)))
}

const [folder, to] = process.argv.slice(2)
if (folder === undefined || to === undefined) throw new Error('usage: tsx runs/respondent/write-model.ts FOLDER TO')
await writeModel(folder, to)
