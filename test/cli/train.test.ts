import { execFile, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadModel, readAdapterFolder } from 'palign'
import { afterAll, describe, expect, it } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'palign-train-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const demo = 'models/respondent'

/** A folder with the demo model's tokenizer, a much smaller configuration and no weights. */
const blank = mkdtempSync(join(scratch, 'blank-'))
copyFileSync(join(demo, 'tokenizer.json'), join(blank, 'tokenizer.json'))
copyFileSync(join(demo, 'tokenizer_config.json'), join(blank, 'tokenizer_config.json'))
const config = {
  ...(JSON.parse(readFileSync(join(demo, 'config.json'), 'utf8')) as object),
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 16,
}
writeFileSync(join(blank, 'config.json'), JSON.stringify(config))

const chats = join(scratch, 'chats.jsonl')
const lines = Array.from({ length: 60 }, (_, i) => [
  JSON.stringify({
    messages: [
      { role: 'user', content: `Do you worry about things? (${i % 7})` },
      {
        role: 'assistant',
        content: [
          { text: 'Option', weight: 0.1 },
          { text: ' (A)', weight: 1 },
        ],
      },
    ],
  }),
  JSON.stringify({ text: 'You worry about things and you love large parties.' }),
])
writeFileSync(chats, `${lines.flat().join('\n')}\n`)

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function palign(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile('node', ['dist/cli/main.js', ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

/** Ends a run as soon as its events say that it has taken a step. A second Ctrl-C would end it at once, so that one signal is sent only. */
function endedAfter(step: number, signal: NodeJS.Signals, args: readonly string[]): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('node', ['dist/cli/main.js', ...args, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] })
    let seen = ''
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
      if (!child.killed && seen.includes(`"step":${step},`)) child.kill(signal)
    })
    child.on('error', reject)
    child.on('exit', (code, by) => resolve(code ?? by))
  })
}

const STEPS = 60
const fromScratch = (out: string, ...more: string[]) => [
  ...['train', '--model', blank, '--from-scratch', '--init-std', '.06', '--data', chats, '--out', out],
  ...['--steps', String(STEPS), '--tokens-per-step', '256', '--batch-tokens', '128', '--learning-rate', '.005'],
  ...['--checkpoint-every', '5', '--seed', '4', ...more],
]

interface Line {
  readonly step: number
  readonly loss: number
}

const lossesOf = (out: string) =>
  readFileSync(join(out, 'losses.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

const meanLoss = (losses: readonly Line[]) => losses.reduce((sum, { loss }) => sum + loss, 0) / losses.length

const whole = join(scratch, 'whole')
const wholeRun = palign(...fromScratch(whole))

describe('palign train', () => {
  it('makes a model from nothing that loads, generates and has learnt', async () => {
    const { code, stdout, stderr } = await wholeRun
    expect(stderr).toContain(`step ${STEPS} of ${STEPS}: loss`)
    expect(code).toBe(0)
    expect(stdout).toContain(`model written to ${whole}`)
    const losses = lossesOf(whole)
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1))
    // A uniform guess over 600 tokens costs 6.4 nats; the few words of these texts are soon known.
    expect(meanLoss(losses.slice(-5))).toBeLessThan(meanLoss(losses.slice(0, 5)) - 1)
    expect(readFileSync(join(whole, 'loss.svg'), 'utf8')).toContain('<path class="mean"')
    const model = await loadModel(whole)
    expect(model.shape).toMatchObject({ layers: 2, heads: 2, headDim: 16 })
    await model.dispose()
  })

  it('goes on after a kill with the same losses and weights to the last bit', async () => {
    const out = join(scratch, 'killed')
    expect(await endedAfter(13, 'SIGKILL', fromScratch(out))).toBe('SIGKILL')
    expect(existsSync(join(out, 'model.safetensors'))).toBe(false)
    const { code, stderr } = await palign(...fromScratch(out))
    expect(code).toBe(0)
    expect(stderr).toMatch(/going on after step (10|15|20|25|30|35|40|45|50|55)\n/)
    await wholeRun
    for (const name of ['losses.jsonl', 'model.safetensors', 'loss.svg']) {
      expect(readFileSync(join(out, name)).equals(readFileSync(join(whole, name)))).toBe(true)
    }
  })

  it('finishes its step on Ctrl-C, ends with 130 and goes on from that step', async () => {
    const out = join(scratch, 'interrupted')
    expect(await endedAfter(7, 'SIGINT', fromScratch(out))).toBe(130)
    const done = lossesOf(out).length
    expect(done).toBeGreaterThanOrEqual(7)
    const { stderr } = await palign(...fromScratch(out))
    expect(stderr).toContain(`going on after step ${done}`)
    await wholeRun
    expect(lossesOf(out)).toEqual(lossesOf(whole))
  })

  it('does not go on with other settings, and names them; begins again when told to', async () => {
    const out = join(scratch, 'other')
    await endedAfter(5, 'SIGINT', fromScratch(out))
    const { code, stderr } = await palign(...fromScratch(out, '--weight-decay', '.1'))
    expect(code).toBe(1)
    expect(stderr).toContain('optimiser.weightDecay was 0 and is 0.1')
    const impossible = await palign(...fromScratch(out, '--restart', '--data', join(scratch, 'nowhere.jsonl')))
    expect(impossible.code).toBe(3)
    expect(readdirSync(join(out, 'checkpoints')).length).toBeGreaterThan(1)
    const again = await palign(...fromScratch(out, '--weight-decay', '.1', '--restart'))
    expect(again.code).toBe(0)
    expect(again.stderr).not.toContain('going on')
    expect(lossesOf(out)).not.toEqual(lossesOf(whole))
  })

  it('trains an adapter that loads, lowers the loss and leaves the base model as it is', async () => {
    await wholeRun
    const out = join(scratch, 'adapter')
    const before = readFileSync(join(whole, 'model.safetensors'))
    const lora = ['--lora-rank', '4', '--lora-targets', 'q_proj,v_proj,down_proj', '--lora-dropout', '.05']
    const { code } = await palign(
      ...['train', '--model', whole, '--data', chats, '--epochs', '3', '--tokens-per-step', '256', '--learning-rate', '.005'],
      ...[...lora, '--out', out],
    )
    expect(code).toBe(0)
    const losses = lossesOf(out)
    const some = Math.floor(losses.length / 4)
    expect(meanLoss(losses.slice(-some))).toBeLessThan(meanLoss(losses.slice(0, some)))
    const { adapter, origin } = await readAdapterFolder(join(out, 'adapter'))
    expect(adapter).toMatchObject({ rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'] })
    const model = await loadModel(whole)
    expect(origin).toEqual({ model: model.fingerprint, method: 'sft' })
    const tokens = model.encode('You worry about')
    const [base, tuned] = [await model.logits({ tokens }), await model.logits({ tokens, adapter })]
    expect(tuned).not.toEqual(base)
    await model.dispose()
    expect(readFileSync(join(whole, 'model.safetensors')).equals(before)).toBe(true)
  })

  it('writes events for programs with --json, half-precision weights with --dtype, stages with --recipe', async () => {
    const recipe = join(scratch, 'recipe.json')
    const stage = { data: ['chats.jsonl'], steps: 2, tokensPerStep: 128 }
    writeFileSync(recipe, JSON.stringify({ stages: [stage, { ...stage, learningRate: 0.001 }] }))
    const out = join(scratch, 'staged')
    const { code, stdout } = await palign(
      ...['train', '--model', blank, '--from-scratch', '--recipe', recipe, '--dtype', 'bf16', '--out', out, '--json'],
    )
    expect(code).toBe(0)
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; stage?: number })
    expect(events.map(({ kind, stage }) => stage ?? kind)).toEqual(['begin', 1, 1, 'checkpoint', 2, 2, 'checkpoint', 'finish'])
    expect(readFileSync(join(out, 'config.json'), 'utf8')).toContain('"bfloat16"')
    const model = await loadModel(out)
    await model.dispose()
  })

  describe('refuses', () => {
    it.each([
      [
        'data with a bad line',
        ['--data', join(blank, 'config.json'), '--steps', '1'],
        /config\.json, line 1: document has the fields/,
      ],
      ['no data', ['--steps', '1'], /training has no data/],
      ['no length', ['--data', chats], /training has no length/],
      ['two sources of stages', ['--recipe', 'x.json', '--steps', '1'], /--recipe and --steps exclude each other/],
      ['an unknown target', ['--data', chats, '--steps', '1', '--lora-rank', '2', '--lora-targets', 'x'], /target x is unknown/],
      ['a batch of no tokens', ['--data', chats, '--steps', '1', '--batch-tokens', '0'], /batch tokens is 0/],
      ['a step of no length', ['--data', chats, '--steps', '0'], /stage is not valid: steps/],
    ])('%s', async (_, options, message) => {
      const { code, stderr } = await palign('train', '--model', demo, '--out', join(scratch, 'never'), ...options)
      expect(code).toBe(1)
      expect(stderr).toMatch(message)
    })

    it('a folder that holds something else, or is the model itself', async () => {
      const options = ['--data', chats, '--steps', '1']
      const taken = await palign('train', '--model', demo, '--out', blank, ...options)
      expect(taken.stderr).toContain('holds other files')
      const same = await palign('train', '--model', whole, '--out', whole, ...options)
      expect(same.stderr).toContain('is the model that training begins with')
      expect(readdirSync(blank)).not.toContain('checkpoints')
    })
  })
})
