import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { IPIP_NEO_300, simulateRespondents } from 'palign'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'palign-chat-'))
const folder = join(scratch, 'personas')
const me = join(folder, 'me.safetensors')
const model = 'models/respondent'
const state = join(scratch, 'state')
const env = { ...process.env, XDG_STATE_HOME: state, PALIGN_STATE: undefined, NO_COLOR: '1', FORCE_COLOR: undefined }

beforeAll(async () => {
  mkdirSync(folder)
  const [{ answers, age }] = simulateRespondents({ count: 1, seed: 8, questionnaire: IPIP_NEO_300 }) as [
    ReturnType<typeof simulateRespondents>[0],
  ]
  const respondents = [{ sex: 'female', age, answers: Object.fromEntries(answers.byItem) }]
  const people = join(scratch, 'people.json')
  writeFileSync(people, JSON.stringify({ questionnaire: 'ipip-neo-300', coding: 'worded', respondents }))
  const { code, stderr } = await palign(['align', '--model', model, '--data', people, '--out', me])
  if (code !== 0) throw new Error(stderr)
})
afterAll(() => rmSync(scratch, { recursive: true }))

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function palign(args: readonly string[], input = ''): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile('node', ['dist/cli/main.js', ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
    child.stdin?.end(input)
  })
}

const chat = (lines: readonly string[], ...args: string[]) =>
  palign(['chat', '--model', model, '--personas', folder, '--temperature', '0', '--max-tokens', '12', ...args], lines.join('\n'))

interface Answer {
  readonly persona: string
  readonly alpha: number | null
  readonly seed: number
  readonly text: string
}

const turnsOf = ({ stdout }: Run) => {
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Answer & { kind: string; prompt: string; left: Answer; right: Answer })
}

describe('palign chat with a pipe', () => {
  it('answers a line at a time, by whoever was chosen and as strongly, and compares two', async () => {
    const run = await chat(
      [
        'Who are you?',
        '/clear',
        '/persona me;alpha=30',
        'Who are you?',
        '/clear',
        '/alpha 0',
        'Who are you?',
        '/clear',
        '/compare none me;alpha=30 Who are you?',
      ],
      '--json',
    )
    expect(run.code).toBe(0)
    const [base, steered, zero, compared] = turnsOf(run)
    expect(base).toMatchObject({ kind: 'answer', prompt: 'Who are you?', persona: 'none', alpha: null, seed: 0 })
    expect(steered).toMatchObject({ persona: 'me', alpha: 30 })
    expect(steered?.text).not.toBe(base?.text)
    expect(zero).toMatchObject({ persona: 'me', alpha: 0, text: base?.text })
    expect(compared).toMatchObject({
      kind: 'comparison',
      left: { persona: 'none', text: base?.text },
      right: { alpha: 30, text: steered?.text },
    })
  })

  it('gives answers on standard output, who gave them and everything else on standard error', async () => {
    const { code, stdout, stderr } = await chat([
      '/persona me;alpha=30',
      'Who are you?',
      '/system Be brief.',
      '/seed 7',
      '/quit',
      'never asked',
    ])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^.+\n$/)
    expect(stderr.split('\n')).toEqual(expect.arrayContaining(['me (alpha 30):', 'system message: Be brief.', 'seed is 7']))
    expect(stderr).not.toContain('never asked')
  })

  it('saves the chat with the model and everybody who spoke, for its owner alone', async () => {
    const path = join(scratch, 'saved.json')
    const { code } = await chat(['/persona me', 'Who are you?', '/undo', 'Hello', '/regenerate', `/save ${path}`], '--seed', '4')
    expect(code).toBe(0)
    const saved = JSON.parse(readFileSync(path, 'utf8')) as object
    expect(saved).toMatchObject({
      format: 'palign-conversation',
      model: expect.stringMatching(/^[0-9a-f]{64}$/),
      persona: 'me',
      seed: 4,
    })
    expect(saved).toMatchObject({ turns: [{ prompt: 'Hello', persona: 'me', seed: 5 }] })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('does not write over a file that is not its own', async () => {
    const path = join(scratch, 'letter.txt')
    writeFileSync(path, 'dear')
    const { code, stderr } = await chat([`/save ${path}`])
    expect(code).toBe(1)
    expect(stderr).toContain('was not written by this chat')
    expect(readFileSync(path, 'utf8')).toBe('dear')
  })

  it('compares the next message where none was given, unless somebody is chosen first', async () => {
    const run = await chat(
      ['/compare none me;alpha=30', 'Who are you?', '/compare none me', '/persona none', 'Who are you?'],
      '--json',
    )
    expect(turnsOf(run).map(({ kind }) => kind)).toEqual(['comparison', 'answer'])
  })

  it('sends a message that begins with a slash where two are written', async () => {
    expect(turnsOf(await chat(['//help me'], '--json'))).toMatchObject([{ kind: 'answer', prompt: '/help me' }])
  })

  it('ends at a command that does not exist, suggests the one that was meant, and answers nothing after it', async () => {
    const { code, stdout, stderr } = await chat(['/persnoa me', 'Who are you?'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/command \/persnoa is unknown\n\s+did you mean \/persona\?/)
  })

  it('ends where a persona does not exist, in place of answering without it', async () => {
    const { code, stdout, stderr } = await chat(['/persona mee', 'Who are you?'])
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/persona mee is unknown\n\s+did you mean me\?/)
  })

  it('lists a persona of another model as one that cannot answer, and refuses it', async () => {
    const other = join(scratch, 'other-model')
    mkdirSync(other)
    for (const file of readdirSync(model)) copyFileSync(join(model, file), join(other, file))
    writeFileSync(join(other, 'config.json'), readFileSync(join(model, 'config.json'), 'utf8').replace('2048', '1024'))
    const { code, stdout, stderr } = await palign(
      ['chat', '--model', other, '--personas', folder],
      '/persona\n/persona me\nWho are you?',
    )
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toContain('me  cannot answer: persona was fitted on model')
  })

  it('begins with the persona of the command line, and refuses another one of the same name', async () => {
    const begun = await palign(['chat', '--model', model, '--persona', me, '--alpha', '2', '--json', '--max-tokens', '2'], 'Hi')
    expect(turnsOf(begun)).toMatchObject([{ persona: 'me', alpha: 2 }])
    const copy = join(scratch, 'me.safetensors')
    copyFileSync(me, copy)
    const refused = await chat(['Hi'], '--persona', copy)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('are both called me')
    expect((await chat(['Hi'], '--alpha', '2')).stderr).toContain('--alpha was given without --persona')
  })

  it('keeps no lines of a script', async () => {
    const kept = join(scratch, 'kept')
    expect((await chat(['Hi'], '--history', kept)).code).toBe(0)
    expect(existsSync(kept)).toBe(false)
  })

  it('stops the answer on an interrupt, says so and leaves with 130, whatever would have come next', async () => {
    const args = [
      'dist/cli/main.js',
      'chat',
      '--model',
      model,
      '--persona',
      me,
      '--alpha',
      '-200',
      '--temperature',
      '0',
      '--max-tokens',
      '1900',
    ]
    const child = spawn('node', args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (piece) => {
      stdout += String(piece)
    })
    child.stderr.on('data', (piece) => {
      stderr += String(piece)
    })
    const ended = once(child, 'close')
    child.stdin.end('Who are you?\n/seed 77\n')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect((await ended)[0]).toBe(130)
    expect(stderr).toContain('(stopped)')
    expect(stderr).not.toContain('seed is 77')
    expect(stdout.length).toBeGreaterThan(1)
  })
})

/** Python's standard library opens a pseudo-terminal; Node's does not. */
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0
const PTY = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'

describe.skipIf(!hasPython)('palign chat in a terminal (needs python3)', () => {
  let child: ChildProcess | undefined
  afterEach(() => void child?.kill('SIGKILL'))

  /** What the terminal has shown; waits for text that comes after everything waited for before. */
  function terminal(...args: string[]) {
    const command = `stty cols 100 rows 40; exec node dist/cli/main.js chat --model ${model} --personas ${folder} --temperature 0 ${args.join(' ')}`
    const running = spawn('python3', ['-c', PTY, 'sh', '-c', command], {
      env: { ...env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child = running
    let shown = ''
    let read = 0
    running.stdout.on('data', (piece) => {
      shown += String(piece)
    })
    const ended = once(running, 'exit')
    return {
      type: (keys: string) => running.stdin.write(keys),
      async sees(text: string): Promise<string> {
        const deadline = performance.now() + 60_000
        while (true) {
          const plain = stripVTControlCharacters(shown)
          const at = plain.indexOf(text, read)
          if (at >= 0) {
            const between = plain.slice(read, at)
            read = at + text.length
            return between
          }
          if (performance.now() > deadline)
            throw new Error(`terminal did not show ${JSON.stringify(text)}:\n${plain.slice(read)}`)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      },
      exit: async () => (await ended)[0] as number,
    }
  }

  it('stops an answer on Ctrl-C and goes on; Ctrl-C empties a line; twice at an empty prompt leaves with 130', async () => {
    // Steered far back, the demo model repeats itself for as long as it may.
    const { type, sees, exit } = terminal('--max-tokens', '1900', '--no-history')
    await sees('none > ')
    type('/persona me;alpha=-200\r')
    await sees('answers from here on')
    await sees('me (alpha -200) > ')
    type('Who are you?\r')
    await sees('Inaccurate')
    type('typed meanwhile')
    type('\u0003')
    expect(await sees('(stopped)')).not.toContain('typed')
    await sees('me (alpha -200) > ')
    await sees('typed meanwhile')
    type('\u0003')
    type('/seed 9\r')
    // Had the line not been emptied, this would have been a message.
    await sees('seed is 9')
    await sees('me (alpha -200) > ')
    type('\u0003')
    await sees('Ctrl-C again leaves')
    type('\u0003')
    expect(await exit()).toBe(130)
    expect(existsSync(join(state, 'palign'))).toBe(false)
  })

  it('compares in columns, goes on after a mistake, keeps typed lines for their owner, and leaves on Ctrl-D with 0', async () => {
    const first = terminal('--max-tokens', '12')
    await first.sees('none > ')
    first.type('/persnoa\r')
    await first.sees('did you mean /persona?')
    await first.sees('none > ')
    first.type('/compare none me;alpha=9\r')
    await first.sees('none | me (alpha 9) > ')
    first.type('Who are you?\r')
    await first.sees('Who are you?')
    const heads = await first.sees('\r\n\r\n')
    expect(heads).toMatch(/none {44,} │ me \(alpha 9\)\r\n.+ │ /)
    await first.sees('none > ')
    first.type('\u0004')
    expect(await first.exit()).toBe(0)
    const path = join(state, 'palign', 'chat-history')
    expect(readFileSync(path, 'utf8')).toBe('/persnoa\n/compare none me;alpha=9\nWho are you?\n')
    expect(statSync(path).mode & 0o777).toBe(0o600)

    const second = terminal()
    await second.sees('none > ')
    second.type('\u001b[A\u001b[A')
    await second.sees('/compare none me;alpha=9')
    second.type('\u0003\u0004')
    expect(await second.exit()).toBe(0)
  })
})
