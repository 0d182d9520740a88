import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { chatSession } from '../../../src/chat/chat-session.ts'
import { NOBODY } from '../../../src/chat/speaker.ts'
import { completions } from '../../../src/cli/chat/commands.ts'
import { jsonView } from '../../../src/cli/chat/json-view.ts'
import { historyPath, lineHistory } from '../../../src/cli/chat/line-history.ts'
import { labelOf, speakerOf } from '../../../src/cli/chat/personas.ts'
import { textView } from '../../../src/cli/chat/text-view.ts'
import { type ChatIo, painter } from '../../../src/cli/chat/view.ts'
import { PalignError } from '../../../src/errors.ts'
import { echoChatModel, steeringPersona } from '../../fixtures/echo-chat-model.ts'

const me = { id: 'me', persona: steeringPersona() }

/** What would stand on standard output and standard error. */
function recorded(width?: number): ChatIo & { readonly shown: { data: string; message: string } } {
  const shown = { data: '', message: '' }
  const plain = (_: string, text: string) => text
  return {
    shown,
    data(text) {
      shown.data += text
    },
    message(text) {
      shown.message += text
    },
    dataWidth: () => width,
    messageWidth: () => width,
    paintData: plain,
    paintMessage: plain,
  }
}

const saying = (text: string, maxTokens?: number) =>
  chatSession({ model: echoChatModel({ says: ({ displacement }) => `${text}${displacement}` }), settings: { maxTokens } })
const labels = { left: 'none', right: 'me (alpha 1)' }

describe('what a chat shows', () => {
  it('is wrapped on a terminal, and left as it is in a pipe', async () => {
    const [terminal, pipe] = [recorded(8), recorded()]
    for (const io of [terminal, pipe])
      await textView(io, { isPrompted: false }).answer('', 'none', saying('one two three ').send('x'))
    expect(terminal.shown.data).toBe('one two\nthree 0\n')
    expect(pipe.shown.data).toBe('one two three 0\n')
  })

  it('says who answers where no prompt has said it', async () => {
    const [prompted, plain] = [recorded(), recorded()]
    await textView(prompted, { isPrompted: true }).answer('', 'me (alpha 1)', saying('a').send('x'))
    await textView(plain, { isPrompted: false }).answer('', 'me (alpha 1)', saying('a').send('x'))
    expect(prompted.shown.message).not.toContain('me')
    expect(plain.shown.message).toBe('me (alpha 1):\n')
  })

  it('holds no control character of a model, an error or a label', async () => {
    const io = recorded(80)
    const view = textView(io, { isPrompted: false })
    const evil = '\u001b]0;x\u0007\u009b2J\rsafe '
    await view.answer('', 'none', saying(evil).send('x'))
    await view.comparison('', labels, saying(evil).compare('x', { left: NOBODY, right: me }))
    view.problem(new PalignError('invalid-input', evil, { hint: evil }))
    view.note(evil)
    expect(io.shown.data).toContain(']0;x2Jsafe 0')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(io.shown.data + io.shown.message).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
  })

  it('says that an answer was cut off or stopped', async () => {
    const io = recorded()
    const view = textView(io, { isPrompted: false })
    await view.answer('', 'none', saying('abcdef', 3).send('x'))
    await view.answer('', 'none', saying('abcdef').send('x', { signal: AbortSignal.abort() }))
    expect(io.shown.message).toContain('(cut off after 3 tokens; --max-tokens allows more)')
    expect(io.shown.message).toContain('(stopped before it began, and forgotten)')
  })

  it('says that turns were left out', async () => {
    const io = recorded()
    const model = echoChatModel({ contextLength: 200 })
    const session = chatSession({ model, settings: { maxTokens: 20 } })
    const view = textView(io, { isPrompted: false })
    for (let i = 0; i < 5; i++) await view.answer('', 'none', session.send(`a message ${i}`))
    expect(io.shown.message).toMatch(/the oldest 1 of 3 turns no longer fit/)
  })

  it('puts two answers beside each other where there is room, and one after the other elsewhere', async () => {
    const [wide, narrow, pipe] = [recorded(80), recorded(50), recorded()]
    for (const io of [wide, narrow, pipe]) {
      await textView(io, { isPrompted: false }).comparison('', labels, saying('text ').compare('x', { left: NOBODY, right: me }))
    }
    expect(wide.shown.data).toBe(`${'none'.padEnd(38)} │ me (alpha 1)\n${'text 0'.padEnd(38)} │ text 1\n`)
    const oneByOne = 'none:\ntext 0\n\nme (alpha 1):\ntext 1\n'
    expect([narrow.shown.data, pipe.shown.data]).toEqual([oneByOne, oneByOne])
  })

  it('is one line of JSON a turn for programs, without raw control characters', async () => {
    const io = recorded()
    const view = jsonView(io, textView(io, { isPrompted: false }))
    await view.answer('x', 'none', saying('\u009b\n').send('x'))
    await view.comparison('x', labels, saying('a').compare('x', { left: NOBODY, right: me }))
    const lines = io.shown.data.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(io.shown.data).not.toContain('\u009b')
    const usage = { promptTokens: expect.any(Number), generatedTokens: 3 }
    const common = { seed: 0, reason: 'end-token', leftOut: 0 }
    expect(JSON.parse(lines[0]!)).toEqual({
      kind: 'answer',
      prompt: 'x',
      persona: 'none',
      alpha: null,
      text: '\u009b\n0',
      usage,
      ...common,
    })
    expect(JSON.parse(lines[1]!)).toMatchObject({
      kind: 'comparison',
      left: { text: 'a0' },
      right: { persona: 'me', alpha: 1, text: 'a1' },
    })
  })
})

describe('colours', () => {
  it.each([
    ['on a terminal', { isTTY: true }, {}, true],
    ['not in a pipe', {}, {}, false],
    ['not where NO_COLOR is set', { isTTY: true }, { NO_COLOR: '1' }, false],
    ['not on a dumb terminal', { isTTY: true }, { TERM: 'dumb' }, false],
    ['in a pipe where they are forced', {}, { FORCE_COLOR: '1' }, true],
  ])('are used %s', (_, stream, environment, expected) => {
    expect(painter(stream, environment)('cyan', 'x') !== 'x').toBe(expected)
  })
})

describe('a speaker', () => {
  const personas = new Map([['me', me.persona]])

  it('is written as an id, with a strength where it is not its own', () => {
    expect(speakerOf('me', personas)).toEqual(me)
    expect(speakerOf('me;alpha=-2.5', personas)).toEqual({ ...me, alpha: -2.5 })
    expect(speakerOf('none', personas)).toEqual(NOBODY)
  })

  it.each(['me;alpha=', 'me;alpha=x', 'me;alpha=1e999', 'me;beta=1', 'you'])('is not %s', (written) => {
    expect(() => speakerOf(written, personas)).toThrow(PalignError)
  })

  it('is shown with the strength in effect', () => {
    expect([labelOf({ id: 'me', alpha: 0.1 + 0.2 }), labelOf({ id: 'none', alpha: undefined })]).toEqual([
      'me (alpha 0.3)',
      'none',
    ])
  })

  it('is completed where one is expected, as commands are at the beginning of a line', () => {
    expect(completions('/persona m', personas)).toEqual([['me'], 'm'])
    expect(completions('/compare me n', personas)).toEqual([['none'], 'n'])
    expect(completions('/compare me none m', personas)).toEqual([[], '/compare me none m'])
    expect(completions('/pe', personas)).toEqual([['/persona '], '/pe'])
    expect(completions('m', personas)).toEqual([[], 'm'])
  })
})

describe('the history of lines', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'palign-lines-'))
  afterAll(() => rmSync(scratch, { recursive: true }))

  it('is kept for its owner alone, without repetitions, empty lines and what would move the cursor', async () => {
    const path = join(scratch, 'new', 'lines')
    const history = await lineHistory(path)
    for (const line of ['a', 'a', '', '  ', '\u001b[2J', 'b']) history.add(line)
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
    expect((await lineHistory(path)).lines).toEqual(['a', 'b'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is no file that others can read: it may be another one, named by mistake', async () => {
    const path = join(scratch, 'letter')
    writeFileSync(path, 'dear\n\nyou\n')
    await expect(lineHistory(path)).rejects.toThrow(/is open to others/)
    expect(readFileSync(path, 'utf8')).toBe('dear\n\nyou\n')
  })

  it('is bounded', async () => {
    const path = join(scratch, 'long')
    writeFileSync(path, Array.from({ length: 1500 }, (_, i) => `line ${i}\n`).join(''), { mode: 0o600 })
    const { lines, add } = await lineHistory(path)
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([1000, 'line 500', 'line 1499'])
    add('x'.repeat(5000))
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(1001)
  })

  it('lies where the XDG rules say', () => {
    expect(historyPath({ XDG_STATE_HOME: '/s' })).toBe('/s/palign/chat-history')
    expect(historyPath({ PALIGN_STATE: '/p', XDG_STATE_HOME: '/s' })).toBe('/p/chat-history')
    expect(historyPath({})).toMatch(/\.local\/state\/palign\/chat-history$/)
  })
})
