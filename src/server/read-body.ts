/** @file The body of a request as JSON that is safe to look at: bounded in depth, without keys that name prototypes, every number an ordinary one. */
import type { Context } from 'hono'
import type { z } from 'zod'
import { type Problem, refusal } from './problems.ts'

const MOST_DEPTH = 64
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** @throws refusals `unsupported_media_type`, `invalid_json`, `invalid_type`, `invalid_value` */
export async function readBody(c: Context): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(c.req.header('content-type') ?? '')) {
    throw refusal({ code: 'unsupported_media_type', message: 'body has another type than application/json in UTF-8' })
  }
  // A small body may unpack to a large one; no client of this API packs its requests.
  if (!['', 'identity'].includes(c.req.header('content-encoding')?.trim().toLowerCase() ?? '')) {
    throw refusal({ code: 'unsupported_media_type', message: 'body is compressed, expected it plain' })
  }
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await c.req.raw.arrayBuffer()))
  } catch (error) {
    if ((error as Error).name === 'BodyLimitError') throw error
    throw refusal({ code: 'invalid_json', message: 'body is not valid JSON' })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw refusal({ code: 'invalid_type', message: 'body is no JSON object' })
  }
  checkValues(json)
  return json as Record<string, unknown>
}

interface Place {
  readonly value: unknown
  readonly depth: number
  readonly key: string | number | undefined
  readonly parent: Place | undefined
}

/** Without recursion: what is nested too deeply must not exhaust the stack that says so. */
function checkValues(json: object): void {
  const open: Place[] = [{ value: json, depth: 1, key: undefined, parent: undefined }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, depth } = place
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      throw refusal({ code: 'invalid_value', param: pathOf(place), message: `${pathOf(place)} is no ordinary number` })
    }
    if (typeof value !== 'object' || value === null) continue
    if (depth > MOST_DEPTH) throw refusal({ code: 'invalid_value', message: `body is nested deeper than ${MOST_DEPTH} levels` })
    const isList = Array.isArray(value)
    const keys = Object.keys(value)
    const forbidden = isList ? undefined : keys.find((key) => FORBIDDEN_KEYS.has(key))
    if (forbidden !== undefined) throw refusal({ code: 'invalid_value', message: `body has a key ${forbidden}` })
    for (const key of keys) {
      const inner = (value as Record<string, unknown>)[key]
      if (typeof inner === 'number' || (typeof inner === 'object' && inner !== null)) {
        open.push({ value: inner, depth: depth + 1, key: isList ? Number(key) : key, parent: place })
      }
    }
  }
}

function pathOf(place: Place): string {
  const keys: string[] = []
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) keys.unshift(String(at.key).slice(0, 64))
  return keys.join('.')
}

/** @throws a refusal that names the first field that is wrong */
export function parseBody<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  throw refusal(problemOfIssue(parsed.error.issues[0]))
}

function problemOfIssue(issue: z.core.$ZodIssue | undefined): Problem {
  const { path, found } = deepest(issue)
  const param = path.map((key) => String(key).slice(0, 64)).join('.') || undefined
  const message = `${param ?? 'body'}: ${(found?.message ?? 'is wrong').slice(0, 300)}`
  if (found?.code === 'custom' && found.params?.code !== undefined) return { code: found.params.code, param, message }
  if (found?.code !== 'invalid_type') return { code: 'invalid_value', param, message }
  const isMissing = /undefined/.test(found.message)
  return { code: isMissing ? 'missing_required_parameter' : 'invalid_type', param, message }
}

interface Found {
  readonly path: readonly PropertyKey[]
  readonly found: z.core.$ZodIssue | undefined
}

/** Where alternatives were tried, the one was meant whose type is right; else the one that went furthest. */
function deepest(issue: z.core.$ZodIssue | undefined): Found {
  if (issue === undefined) return { path: [], found: undefined }
  if (issue.code !== 'invalid_union') return { path: issue.path, found: issue }
  const tried = issue.errors.map(([first]) => deepest(first))
  const rank = ({ path, found }: Found) => (found?.code === 'invalid_type' ? 0 : 1000) + path.length
  const best = tried.reduce((a, b) => (rank(b) > rank(a) ? b : a), tried[0] ?? { path: [], found: issue })
  return { path: [...issue.path, ...best.path], found: best.found }
}
