import { homedir, tmpdir } from 'node:os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../src/model/language-model.ts'
import { problemAnswer } from '../../src/server/answer-schemas.ts'
import { echoModel } from '../fixtures/echo-model.ts'
import { appOf, hello, post, raw } from './asking.ts'

/** Bodies for each route, 12,000 in all. A failure names its seed and its path; `PALIGN_TEST_SEED` tries others. */
const RUNS = { '/v1/chat/completions': 5000, '/v1/completions': 5000, '/tokenize': 1000, '/detokenize': 1000 } as const

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
  '/tokenize': { content: 'hello' },
  '/detokenize': { tokens: [104, 105] },
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
  '__proto__',
  'prompt',
  'content',
  'tokens',
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
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 })
  const damaged = fc.tuple(mutated, edits).map(([text, changes]) => {
    const bytes = Buffer.from(text)
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    return bytes
  })
  return fc.oneof<fc.MaybeWeightedArbitrary<string | Buffer>[]>(
    { weight: 16, arbitrary: mutated },
    { weight: 2, arbitrary: cut },
    { weight: 2, arbitrary: damaged },
  )
}

/** What an answer must never hold: a place on this machine, a frame of a stack, the words of an error that is not ours. */
const LEAK = new RegExp(
  [
    ...[process.cwd(), homedir(), tmpdir()].map((place) => place.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
    ...[
      '/(?:home|work|src|node_modules|usr|secret)/',
      '\\bat (?:async )?[\\w.<>]+ \\(',
      'TypeError|RangeError',
      'node:',
      'file:/',
    ],
  ].join('|'),
)

interface Fuzzed {
  readonly path: keyof typeof VALID
  readonly model: LanguageModel
  readonly runs: number
  /** Statuses that are no failure of the server. */
  readonly declared: readonly number[]
}

/** @returns how often each status was given, and the failures that only the operator is told of */
async function fuzz({ path, model, runs, declared }: Fuzzed) {
  const failures: unknown[] = []
  const app = appOf({ model, onFailure: (error) => failures.push(error) })
  const seen = new Map<number, number>()
  const check = fc.asyncProperty(bodies(VALID[path]), async (body) => {
    const response = await post(app, path, body)
    const text = await response.text()
    seen.set(response.status, (seen.get(response.status) ?? 0) + 1)
    expect(declared).toContain(response.status)
    if (!declared.includes(500)) expect(failures).toEqual([])
    expect(`${text}${JSON.stringify([...response.headers])}`).not.toMatch(LEAK)
    if (response.status !== 200) problemAnswer.parse(JSON.parse(text))
    else if (response.headers.get('content-type')?.startsWith('text/event-stream')) expect(text).toMatch(/data: \[DONE\]\n\n$/)
    else expect(JSON.parse(text)).toEqual(expect.objectContaining({}))
  })
  await fc.assert(check, { numRuns: runs })
  return { seen, failures }
}

const ROUTES = Object.keys(VALID) as (keyof typeof VALID)[]

describe.each(ROUTES)('any body for %s', (path) => {
  it('is answered, or refused in the one shape: nothing fails and nothing of the machine is told', async () => {
    const { seen } = await fuzz({ path, model: echoModel({ contextLength: 256 }), runs: RUNS[path], declared: [200, 400, 404] })
    // A generator of refusals only would show little.
    expect(seen.get(200)).toBeGreaterThan(RUNS[path] / 20)
    expect(seen.get(400)).toBeGreaterThan(RUNS[path] / 20)
  })
})

describe('any body, where the model itself fails', () => {
  const failure = new TypeError(`cannot read /secret/weights at load (${process.cwd()}/src/node/load-model.ts:1:1)`)

  it.each(ROUTES.slice(0, 2))(
    'is told so by the declared 500 or inside the stream, and of the failure nothing: %s',
    async (path) => {
      const { failures } = await fuzz({
        path,
        model: echoModel({ failAt: 1, failure }),
        runs: 500,
        declared: [200, 400, 404, 500],
      })
      expect(failures.length).toBeGreaterThan(20)
    },
  )
})

describe('the search itself', () => {
  it('finds a model that says where it lies, and names the seed', async () => {
    const says = () => '/secret/x'
    const found = fuzz({ path: '/v1/chat/completions', model: echoModel({ says }), runs: 300, declared: [200, 400, 404] })
    await expect(found).rejects.toThrow(/seed: -?\d+, path: "/)
  })

  it('finds a failure that is not declared', async () => {
    const model = {
      ...echoModel(),
      encode: () => {
        throw new TypeError('never')
      },
    }
    await expect(fuzz({ path: '/tokenize', model, runs: 300, declared: [200, 400, 404] })).rejects.toThrow(/seed: /)
  })
})
