/** @file `palign train`: JSONL of chats and texts -> a trained model folder or adapter. */
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { LINEAR_LAYERS, type LinearLayer } from '../model/adapter.ts'
import { type TrainingEvent, type TrainModelOptions, trainModel } from '../node/train-model.ts'
import { readRecipe, type StageRecipe } from '../node/training-recipe.ts'
import { duration, interruptSignal, note, print } from './output.ts'

interface TrainCommandOptions {
  readonly model: string
  readonly out: string
  readonly data?: readonly string[]
  readonly recipe?: string
  readonly steps?: number
  readonly epochs?: number
  readonly tokensPerStep?: number
  readonly learningRate?: number
  readonly warmupSteps?: number
  readonly finalFraction?: number
  readonly fromScratch?: boolean
  readonly initStd: number
  readonly loraRank?: number
  readonly loraAlpha?: number
  readonly loraTargets: string
  readonly loraDropout: number
  readonly dtype: 'f32' | 'f16' | 'bf16'
  readonly weightDecay: number
  readonly clipNorm: number
  readonly beta2: number
  readonly context?: number
  readonly batchTokens: number
  readonly packTokens: number
  readonly threads: number
  readonly checkpointEvery: number
  readonly restart?: boolean
  readonly seed: number
  readonly json?: boolean
}

const BETA1 = 0.9
const DTYPES = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const

export async function trainCommand(options: TrainCommandOptions): Promise<void> {
  const signal = interruptSignal()
  const { model, out, seed, threads, batchTokens, packTokens, weightDecay, clipNorm, checkpointEvery, restart } = options
  const progress = options.json ? jsonProgress() : terminalProgress()
  const summary = await trainModel({
    ...{ model, out, seed, threads, batchTokens, packTokens, weightDecay, clipNorm, checkpointEvery, restart, signal },
    betas: [BETA1, options.beta2],
    stages: await stagesOf(options),
    part: partOf(options),
    ...(options.fromScratch && { fromScratch: { deviation: options.initStd } }),
    contextLength: options.context,
    onEvent: progress,
  })
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ kind: 'finish', ...summary })}\n`)
    return
  }
  const isAdapter = options.loraRank !== undefined
  print(`${isAdapter ? 'adapter' : 'model'} written to ${summary.model}`)
  print(`${summary.steps} steps, ${summary.tokens} tokens, loss at the end ${summary.finalLoss.toFixed(4)}`)
  print(`curve: ${join(out, 'loss.svg')}, every step: ${join(out, 'losses.jsonl')}`)
  const use = isAdapter ? `--model ${model} --persona ${summary.model}` : `--model ${summary.model}`
  print(`next: palign generate ${use} "Who are you?"`)
}

async function stagesOf(options: TrainCommandOptions): Promise<readonly StageRecipe[]> {
  const { recipe, data, steps, epochs, tokensPerStep, learningRate, warmupSteps, finalFraction } = options
  const stage = { data, steps, epochs, tokensPerStep, learningRate, warmupSteps, finalFraction }
  if (recipe !== undefined) {
    const given = Object.entries(stage).find(([, value]) => value !== undefined)?.[0]
    if (given === undefined) return readRecipe(recipe)
    throw new PalignError('invalid-input', `options --recipe and --${dashed(given)} exclude each other`, {
      hint: 'write it into the stages of the recipe',
    })
  }
  if (data === undefined) {
    throw new PalignError('invalid-input', 'training has no data', { hint: 'give --data FILE.jsonl or --recipe FILE.json' })
  }
  if ((steps === undefined) === (epochs === undefined)) {
    throw new PalignError('invalid-input', 'training has no length', { hint: 'give either --steps or --epochs' })
  }
  return [{ ...stage, data }]
}

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function partOf({ loraRank: rank, ...options }: TrainCommandOptions): TrainModelOptions['part'] {
  if (rank === undefined) return { kind: 'full', dtype: DTYPES[options.dtype] }
  if (options.fromScratch || options.dtype !== 'f32') {
    throw new PalignError(
      'invalid-input',
      `options --lora-rank and ${options.fromScratch ? '--from-scratch' : '--dtype'} exclude each other`,
      {
        hint: 'an adapter is trained over the weights of a model and written as f32',
      },
    )
  }
  const targets = options.loraTargets.split(',').map((name) => name.trim())
  const stranger = targets.find((name) => !(LINEAR_LAYERS as readonly string[]).includes(name))
  if (stranger !== undefined) {
    throw new PalignError('invalid-input', `target ${stranger} is unknown`, { hint: `targets are ${LINEAR_LAYERS.join(', ')}` })
  }
  const config = { rank, alpha: options.loraAlpha ?? 2 * rank, targets: targets as LinearLayer[] }
  return { kind: 'adapter', config, dropout: options.loraDropout }
}

type Progress = (event: TrainingEvent) => void

interface Pace {
  /** Mean of the losses, the latest counting most. */
  readonly loss: number
  /** Of documents; undefined after the first step. */
  readonly tokensPerSecond: number | undefined
  readonly secondsLeft: number | undefined
}

/** How much of the mean loss is left after a step. */
const KEPT = 0.98

/** Mean loss, and speed since the second step of this run: the first opens sessions and says little about the others. */
function paceMeter(): (step: Extract<TrainingEvent, { kind: 'step' }>) => Pace {
  let [sum, weight] = [0, 0]
  let first: { readonly tokens: number; readonly step: number; readonly at: number } | undefined
  return ({ loss, tokens, step, of }) => {
    sum = KEPT * sum + loss
    weight = KEPT * weight + 1
    const now = performance.now()
    first ??= { tokens, step, at: now }
    const seconds = (now - first.at) / 1000
    const tokensPerSecond = seconds === 0 ? undefined : Math.round((tokens - first.tokens) / seconds)
    const secondsLeft = seconds === 0 ? undefined : ((of - step) * seconds) / (step - first.step)
    return { loss: sum / weight, tokensPerSecond, secondsLeft }
  }
}

function jsonProgress(): Progress {
  const pace = paceMeter()
  const write = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
  return (event) => {
    if (event.kind === 'reading') return
    if (event.kind !== 'step') return write(event)
    const { loss: meanLoss, ...rest } = pace(event)
    write({ ...event, meanLoss, ...rest })
  }
}

/** One line that is redrawn on a terminal; elsewhere a line at every checkpoint. */
function terminalProgress(): Progress {
  const terminal = process.stderr.isTTY && process.env.TERM !== 'dumb'
  const pace = paceMeter()
  let drawn = 0
  let line = ''
  const draw = (text: string, isFinal: boolean) => {
    const now = performance.now()
    if (!terminal || (!isFinal && now - drawn < 100)) return
    drawn = now
    process.stderr.write(`\r\x1b[K${text}`)
  }
  return (event) => {
    switch (event.kind) {
      case 'reading':
        return draw(`reading data: ${((100 * event.done) / event.total).toFixed(0)} %`, false)
      case 'begin': {
        const { documents, tokens, parameters, steps, resumedAt } = event
        if (terminal) process.stderr.write('\r\x1b[K')
        note(`${parameters} parameters, ${documents} documents of ${tokens} tokens, ${steps} steps`)
        if (resumedAt > 0) note(`going on after step ${resumedAt}`)
        return
      }
      case 'step': {
        const { loss, tokensPerSecond, secondsLeft } = pace(event)
        const rate = secondsLeft === undefined ? '' : `, ${tokensPerSecond} tokens/s, ${duration(secondsLeft)} left`
        line = `step ${event.step} of ${event.of}: loss ${loss.toFixed(4)}${rate}`
        return draw(line, event.step === event.of)
      }
      case 'checkpoint':
        if (terminal) process.stderr.write('\r\x1b[K')
        return note(`${line}; checkpoint`)
      default:
        return event satisfies never
    }
  }
}
