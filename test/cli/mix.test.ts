import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelShape } from '../../src/model/shape.ts'
import { encrypt } from '../../src/node/age.ts'
import { readPersona, writePersona } from '../../src/node/persona-file.ts'
import type { SteeringPersona } from '../../src/persona/persona.ts'
import { randomPersonas } from '../fixtures/random-personas.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palign-mix-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const { PALIGN_PASSPHRASE: _, ...env } = process.env

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Run in the folder of the personas, so that operands are short. */
const palign = (args: readonly string[], { input = '', more = {} }: { input?: string; more?: NodeJS.ProcessEnv } = {}) =>
  new Promise<Run>((resolve) => {
    const child = execFile('node', [main, ...args], { cwd: scratch, env: { ...env, ...more } }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
    child.stdin?.end(input)
  })

const main = join(process.cwd(), 'dist/cli/main.js')
const model = join(process.cwd(), 'models/respondent')
const otherModel = join(scratch, 'other-model')
const generate = async (...args: string[]) => {
  const run = await palign(['generate', '--model', model, '--max-tokens', '6', '--json', ...args, 'Who are you?'])
  return { ...run, json: run.code === 0 ? (JSON.parse(run.stdout) as { text: string; modelMismatch?: boolean }) : undefined }
}

let a: SteeringPersona
beforeAll(async () => {
  const { stdout } = await palign(['inspect', model, '--json'])
  const { fingerprint, ...found } = JSON.parse(stdout) as { fingerprint: string } & ModelShape
  const { layers, heads, kvHeads, headDim, hiddenSize, vocabSize, contextLength } = found
  const shape = { layers, heads, kvHeads, headDim, hiddenSize, vocabSize, contextLength }
  const [first, second] = randomPersonas({ model: { shape, fingerprint }, count: 2, alpha: 3 }) as [
    SteeringPersona,
    SteeringPersona,
  ]
  a = first
  await writePersona(join(scratch, 'a.safetensors'), first)
  await writePersona(join(scratch, 'b.safetensors'), second)
  await writePersona(join(scratch, 'foreign.safetensors'), { ...first, model: 'b'.repeat(64) })
  await writePersona(join(scratch, 'wider.safetensors'), { ...first, model: 'b'.repeat(64), shape: { ...shape, heads: 8 } })
  await writePersona(join(scratch, 'prompt.safetensors'), { kind: 'prompt', method: 'few-shot', system: 'You are calm.' })
  await writePersona(join(scratch, 'old.safetensors'), { ...first, about: { expires: '2020-01-01T00:00:00.000Z' } })
  writeFileSync(join(scratch, 'system.txt'), 'You are a pirate.\n')
  // The same weights under another fingerprint.
  cpSync(model, otherModel, { recursive: true })
  const config = join(otherModel, 'config.json')
  writeFileSync(config, `${readFileSync(config, 'utf8')}\n`)
})

describe('palign mix', () => {
  it('writes a persona that generate takes, and inspect names its parents', async () => {
    const mixed = await palign(['mix', 'a.safetensors=0.7', 'b.safetensors=-0.3', '--out', 'c.safetensors', '--json'])
    expect(mixed.code, mixed.stderr).toBe(0)
    const { sha256, parents } = JSON.parse(mixed.stdout)
    expect(parents).toMatchObject([{ weight: 0.7 }, { weight: -0.3 }])
    const inspected = JSON.parse((await palign(['inspect', 'c.safetensors', '--json'])).stdout)
    const seen = { kind: 'steering', method: 'mix', op: 'add', unit: 'mix', alpha: 1, calibration: 'not measured' }
    expect(inspected).toMatchObject({ ...seen, parents, sha256, expired: false, created: expect.stringMatching(/^20/) })
    const parent = JSON.parse((await palign(['inspect', 'a.safetensors', '--json'])).stdout)
    expect(parent.sha256).toBe(parents[0].sha256)
    expect((await generate('--persona', 'c.safetensors')).json).toMatchObject({ steered: true })
  })

  it('of a persona with itself taken away is the base model', async () => {
    const { stdout } = await palign(['mix', 'a.safetensors=1', 'a.safetensors=-1', '--out', 'zero.safetensors'])
    expect(stdout).toMatch(/everything cancels/)
    expect((await generate('--persona', 'zero.safetensors')).json!.text).toBe((await generate()).json!.text)
  })

  it('adds a prompt and sets another alpha', async () => {
    const args = ['mix', 'a.safetensors=1', '--system', 'system.txt', '--alpha', '0.5', '--out', 'pirate.safetensors']
    expect(await palign(args)).toMatchObject({ code: 0 })
    expect(await readPersona(join(scratch, 'pirate.safetensors'))).toMatchObject({
      ...{ kind: 'prompt+steering', system: 'You are a pirate.', alpha: 0.5 },
    })
  })

  it.each<[string, string[], number, RegExp]>([
    ['personas of two models', ['a.safetensors=1', 'foreign.safetensors=1'], 5, /two models, [0-9a-f]{12} and bbbbbbbbbbbb/],
    ['a prompt', ['a.safetensors=1', 'prompt.safetensors=1'], 1, /is a prompt, and texts have no sum/],
    ['no weight', ['a.safetensors'], 1, /is not path=weight/],
    ['a weight that is no number', ['a.safetensors=much'], 1, /is not path=weight/],
    ['a file that is not there', ['gone.safetensors=1'], 3, /gone.safetensors does not exist/],
    ['one whose time is over', ['old.safetensors=1'], 5, /old.safetensors expired at 2020-01-01/],
  ])('refuses %s, and writes nothing', async (_, operands, code, message) => {
    const run = await palign(['mix', ...operands, '--out', 'none.safetensors'])
    expect(run).toMatchObject({ code, stderr: expect.stringMatching(message) })
    expect(existsSync(join(scratch, 'none.safetensors'))).toBe(false)
  })
})

describe('a persona whose time is over', () => {
  it('is refused by generate and chat with the date, and inspect still reads it', async () => {
    expect(await generate('--persona', 'old.safetensors')).toMatchObject({ code: 5, stderr: /expired at 2020-01-01/ })
    const chat = await palign(['chat', '--model', model, '--persona', 'old.safetensors'], { input: 'hello' })
    expect(chat).toMatchObject({ code: 5, stderr: /expired at 2020-01-01/ })
    const { stdout } = await palign(['inspect', 'old.safetensors', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ expired: true, expires: '2020-01-01T00:00:00.000Z' })
  })
})

describe('a persona of another model', () => {
  const foreign = ['--persona', 'foreign.safetensors']
  const allowed = [...foreign, '--allow-model-mismatch']

  it('is refused by generate, and with the named option marks its answer', async () => {
    expect(await generate(...foreign)).toMatchObject({ code: 5, stderr: /fitted on model bbbbbbbbbbbb, this model is/ })
    const { json, stderr } = await generate(...allowed)
    expect(json).toMatchObject({ steered: true, modelMismatch: true })
    expect(stderr).toMatch(/fitted on model bbbbbbbbbbbb, not on this one/)
    expect((await generate('--persona', 'a.safetensors', '--allow-model-mismatch')).json).not.toHaveProperty('modelMismatch')
    const other = await palign([
      'generate',
      '--model',
      otherModel,
      '--persona',
      'a.safetensors',
      '--allow-model-mismatch',
      '--max-tokens',
      '6',
      '--json',
      'Who are you?',
    ])
    expect(JSON.parse(other.stdout)).toMatchObject({
      modelMismatch: true,
      text: (await generate('--persona', 'a.safetensors')).json!.text,
    })
  })

  it('is refused with other heads whatever is said', async () => {
    const wider = await generate('--persona', 'wider.safetensors', '--allow-model-mismatch')
    expect(wider).toMatchObject({ code: 5, stderr: /8 heads x 32, this model [0-9a-f]{12} has 4 layers x 4 heads x 32/ })
  })

  it('marks every answer of a chat, and none of the others', async () => {
    const chat = (...args: string[]) =>
      palign(['chat', '--model', model, '--max-tokens', '4', ...args], { input: 'hello\nagain\n/persona none\nbye\n' })
    expect(await chat(...foreign)).toMatchObject({ code: 5, stderr: /fitted on model/ })
    const { stdout } = await chat(...allowed, '--json')
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { modelMismatch?: boolean })
    expect(answers.map(({ modelMismatch }) => modelMismatch)).toEqual([true, true, undefined])
    expect((await chat(...allowed)).stderr.match(/foreign was fitted on another model/g)).toHaveLength(2)
  })
})

describe('palign persona encrypt', () => {
  const more = { PALIGN_PASSPHRASE: 'correct horse battery staple' }

  it('writes a file that every reader opens with the passphrase, and decrypt gives the same bytes back', async () => {
    writeFileSync(join(scratch, 'passphrase'), `${more.PALIGN_PASSPHRASE}\n`)
    const made = await palign(['persona', 'encrypt', 'a.safetensors', '--out', 'a.age'], { more })
    expect(made, made.stderr).toMatchObject({ code: 0 })
    expect(readFileSync(join(scratch, 'a.age'), 'latin1')).toMatch(/^age-encryption.org\/v1\n-> scrypt \S+ 18\n/)
    const inspected = await palign(['inspect', 'a.age', '--json', '--passphrase-file', 'passphrase'])
    expect(JSON.parse(inspected.stdout)).toMatchObject({ kind: 'steering', alpha: a.alpha })
    const plain = await generate('--persona', 'a.safetensors')
    const secret = await generate('--persona', 'a.age', '--passphrase-file', 'passphrase')
    expect(secret.json).toEqual(plain.json)
    const back = await palign(['persona', 'decrypt', 'a.age', '--out', 'back.safetensors', '--json'], { more })
    expect(back.code, back.stderr).toBe(0)
    expect(readFileSync(join(scratch, 'back.safetensors')).equals(readFileSync(join(scratch, 'a.safetensors')))).toBe(true)
  })

  it.each<[string, (bytes: Buffer) => Buffer, NodeJS.ProcessEnv, RegExp]>([
    ['no passphrase', (bytes) => bytes, {}, /passphrase is needed and there is no terminal/],
    ['a wrong passphrase', (bytes) => bytes, { PALIGN_PASSPHRASE: 'wrong' }, /passphrase is wrong, or the file was changed/],
    ['the end missing', (bytes) => bytes.subarray(0, -1), more, /passphrase is wrong, or the file was changed/],
    [
      'one bit changed',
      (bytes) => bytes.fill(bytes.at(-1)! ^ 1, bytes.length - 1),
      more,
      /passphrase is wrong, or the file was changed/,
    ],
  ])('decrypts nothing with %s', async (_, change, given, message) => {
    // Cheap to open, unlike what the command writes.
    const secret = await encrypt(readFileSync(join(scratch, 'a.safetensors')), more.PALIGN_PASSPHRASE, { workFactor: 8 })
    writeFileSync(join(scratch, 'bad.age'), change(Buffer.from(secret)))
    const before = readdirSync(scratch)
    const run = await palign(['persona', 'decrypt', 'bad.age', '--out', 'bad.safetensors'], { more: given })
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(message) })
    expect(readdirSync(scratch)).toEqual(before)
  })

  it.skipIf(spawnSync('python3', ['-c', 'import pty']).status !== 0)(
    'asks at a terminal and shows nothing of what is typed (needs python3)',
    async () => {
      const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'
      const command = ['-c', pty, 'node', main, 'inspect', 'cheap.age']
      writeFileSync(
        join(scratch, 'cheap.age'),
        await encrypt(readFileSync(join(scratch, 'a.safetensors')), 'typed words', { workFactor: 8 }),
      )
      const child = spawn('python3', command, { cwd: scratch, env, stdio: ['pipe', 'pipe', 'inherit'] })
      let shown = ''
      child.stdout.on('data', (piece) => {
        if (!shown.includes('passphrase: ') && String(piece).includes('passphrase: ')) child.stdin.write('typed wordz\u007fs\r')
        shown += String(piece)
      })
      expect((await once(child, 'exit'))[0]).toBe(0)
      expect(shown).toMatch(/kind +steering/)
      expect(shown).not.toContain('typed')
    },
  )

  it.each<[string, string[], RegExp]>([
    ['what is encrypted already', ['a.age', '--out', 'b.age'], /encrypted already/],
    ['what is no persona', ['system.txt', '--out', 'b.age'], /system.txt/],
    ['into a file that would not be known as encrypted', ['a.safetensors', '--out', 'b.secret'], /does not end in .age/],
    ['an adapter, which is a folder', ['other-model', '--out', 'b.age'], /not a regular file/],
  ])('refuses %s', async (_, args, message) => {
    const run = await palign(['persona', 'encrypt', ...args], { more })
    expect(run).toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
    expect(existsSync(join(scratch, args.at(-1)!))).toBe(false)
  })
})
