import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { problemAnswer } from '../../src/server/answer-schemas.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, hello, post, raw } from './asking.ts'

/** Two routes, so many bodies each. */
const RUNS = 5000

const VALID = {
  '/v1/chat/completions': {
    ...hello,
    messages: [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: [{ type: 'text', text: 'hello' }] },
    ],
    n: 2,
    temperature: 0.5,
    top_p: 0.9,
    seed: 1,
    stop: ['x', 'y'],
    stream: false,
    logprobs: true,
    top_logprobs: 2,
    persona: [{ id: 'calm' }],
    response_format: { type: 'text' },
  },
  '/v1/completions': {
    ...raw,
    prompt: ['hello', 'you'],
    n: 2,
    echo: true,
    logprobs: 3,
    stop: 'x',
    stream: true,
    stream_options: { include_usage: true },
    persona: { id: 'none' },
  },
} as const

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1,
    2,
    0.5,
    1e308,
    2 ** 31,
    2 ** 53,
    -(2 ** 53),
    '',
    'none',
    'calm',
    'text',
    'echo@calm',
    '\uD800',
    [],
    {},
    [[]],
    [[1]],
    [{}],
    [''],
    [null],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ maxLength: 40 }),
  fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
)

type Path = readonly (string | number)[]

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [
    at,
    ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...at, Array.isArray(value) ? Number(key) : key])),
  ]
}

/** A copy with something else at a place, or nothing. */
function changed(
  value: unknown,
  [key, ...rest]: Path,
  to: { readonly kind: 'set'; readonly value: unknown } | { readonly kind: 'drop' },
): unknown {
  if (key === undefined) return to.kind === 'set' ? to.value : value
  if (typeof value !== 'object' || value === null) return value
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string | number, unknown>
  if (rest.length === 0 && to.kind === 'drop') delete copy[key]
  else copy[key] = changed(copy[key], rest, to)
  return copy
}

const FIELDS = [
  'tools',
  'functions',
  'logit_bias',
  'frequency_penalty',
  'modalities',
  'audio',
  'steering',
  'suffix',
  'best_of',
  'user',
  'metadata',
  'max_completion_tokens',
  'stop',
  'response_format',
  'stream_options',
  'chat_template_kwargs',
  'toString',
  'hasOwnProperty',
]

const bodies = (valid: object) => {
  const change = fc.oneof(
    fc.record({ path: fc.constantFrom(...pathsOf(valid)), to: fc.record({ kind: fc.constant('set' as const), value: odd }) }),
    fc.record({ path: fc.constantFrom(...pathsOf(valid)), to: fc.constant({ kind: 'drop' as const }) }),
    fc.record({
      path: fc.constantFrom(...FIELDS).map((field): Path => [field]),
      to: fc.record({ kind: fc.constant('set' as const), value: odd }),
    }),
  )
  const mutated = fc
    .array(change, { minLength: 0, maxLength: 3 })
    .map((changes) => JSON.stringify(changes.reduce<unknown>((body, { path, to }) => changed(body, path, to), valid)) ?? '')
  const cut = fc.tuple(mutated, fc.nat(400)).map(([text, at]) => text.slice(0, at))
  return fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: cut })
}

describe.each(Object.entries(VALID))('any body for %s', (path, valid) => {
  it('is answered, or refused in the one shape: nothing fails and nothing of the machine is told', async () => {
    const failures: unknown[] = []
    const app = appOf({ model: echoModel({ contextLength: 256 }), onFailure: (error) => failures.push(error) })
    const seen = new Map<number, number>()
    const check = fc.asyncProperty(bodies(valid), async (body) => {
      const response = await post(app, path, body)
      const text = await response.text()
      seen.set(response.status, (seen.get(response.status) ?? 0) + 1)
      expect(failures).toEqual([])
      expect(response.status).toBeOneOf([200, 400, 404])
      expect(text).not.toMatch(/\/(?:home|work|src|node_modules|usr)\/|\bat \w+ \(|TypeError|node:/)
      if (response.status !== 200) problemAnswer.parse(JSON.parse(text))
      else if (response.headers.get('content-type')?.startsWith('text/event-stream')) expect(text).toMatch(/data: \[DONE\]\n\n$/)
      else expect((JSON.parse(text) as { choices: unknown[] }).choices.length).toBeGreaterThan(0)
    })
    await fc.assert(check, { numRuns: RUNS })
    // A generator of refusals only would show little.
    expect(seen.get(200)).toBeGreaterThan(RUNS / 20)
    expect(seen.get(400)).toBeGreaterThan(RUNS / 20)
  })
})
