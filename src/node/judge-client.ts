/**
 * @file A judge behind an OpenAI-compatible chat endpoint: POST {base}/chat/completions. The key goes to that host only: redirects are not followed, and what
 * comes back never carries it further. Replies are bounded in bytes and time; busy and failing servers are asked again, later each time.
 */
import { z } from 'zod'
import { PalignError, throwIfAborted } from '../errors.ts'
import type { Message } from '../model/messages.ts'
import { type Attempt, askAgain, readBounded, reasonOf, retryAfter, type Wait } from './asking-again.ts'

export interface JudgeClientOptions {
  /** Base address, such as https://host/v1; credentials in it are refused. */
  readonly url: string
  readonly model: string
  /** Sent as a bearer token; only over https, or to this machine. */
  readonly apiKey?: string | undefined
  /** Of one attempt; default a minute and a half. */
  readonly timeoutMilliseconds?: number | undefined
  /** Attempts for one question; default 5. */
  readonly attempts?: number | undefined
  /** Tokens of a reply; default 400. */
  readonly maxTokens?: number | undefined
  /** Between attempts; default a timer that a signal ends. */
  readonly wait?: Wait | undefined
}

export interface JudgeClient {
  readonly model: string
  /** Host and port. */
  readonly host: string
  /**
   * At temperature 0.
   * @throws PalignError `engine-failed` for an endpoint that refuses or answers what is no completion, `deadline-exceeded` where the last attempt ran out of
   * time, `aborted`
   */
  ask(
    messages: readonly Message[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly text: string; readonly model: string | undefined }>
}

const MAX_REPLY_BYTES = 1 << 20
const SHOWN_CHARACTERS = 200

const completion = z.looseObject({
  model: z.string().optional(),
  choices: z.array(z.looseObject({ message: z.looseObject({ content: z.string() }) })).min(1),
})

type Reply = Awaited<ReturnType<JudgeClient['ask']>>

/** @throws PalignError `invalid-input` for an address that is none, holds credentials, or would carry the key in the clear */
export function judgeClient(options: JudgeClientOptions): JudgeClient {
  const { url, model, apiKey, attempts, wait } = options
  const endpoint = endpointOf(url, apiKey)
  return {
    model,
    host: endpoint.host,
    ask: (messages, { signal } = {}) => askAgain(() => tryOnce(endpoint, messages, options, signal), { attempts, wait, signal }),
  }
}

function endpointOf(text: string, apiKey: string | undefined): URL {
  if (!URL.canParse(text)) throw new PalignError('invalid-input', 'judge address is no URL, expected one such as https://host/v1')
  const url = new URL(text)
  const refuse = (what: string, hint: string) =>
    new PalignError('invalid-input', `judge address of ${url.host} ${what}`, { hint })
  if (url.username !== '' || url.password !== '') {
    throw refuse('holds credentials', 'put the key into the environment variable PALIGN_JUDGE_KEY')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw refuse(`has the scheme ${url.protocol}`, 'expected https: or http:')
  }
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (apiKey !== undefined && url.protocol === 'http:' && !isHere) {
    throw refuse('is http: the key would travel in the clear', 'give an https address, or unset PALIGN_JUDGE_KEY')
  }
  const path = url.pathname.replace(/\/+$/, '')
  url.pathname = path.endsWith('/chat/completions') ? path : `${path}/chat/completions`
  url.hash = ''
  return url
}

async function tryOnce(
  endpoint: URL,
  messages: readonly Message[],
  { model, apiKey, timeoutMilliseconds = 90_000, maxTokens = 400 }: JudgeClientOptions,
  signal: AbortSignal | undefined,
): Promise<Attempt<Reply>> {
  const deadline = AbortSignal.timeout(timeoutMilliseconds)
  const failed = (code: 'engine-failed' | 'deadline-exceeded', what: string, cause?: unknown) =>
    new PalignError(code, `judge ${model} at ${endpoint.host} ${what}`, {
      cause,
      hint: 'check the address, the model and the key',
    })
  // A server may repeat the key in what it says; nothing of that is shown or stored.
  const withoutKey = (text: string) => (apiKey === undefined || apiKey === '' ? text : text.replaceAll(apiKey, '[key]'))
  const again = (error: PalignError, afterMilliseconds?: number): Attempt<Reply> => ({ kind: 'again', error, afterMilliseconds })
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey !== undefined && apiKey !== '' && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model, messages, temperature: 0, max_tokens: maxTokens, stream: false }),
      redirect: 'manual',
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    })
    const body = await readBounded(response, MAX_REPLY_BYTES)
    if (body === undefined) throw failed('engine-failed', `sent more than ${MAX_REPLY_BYTES} bytes`)
    if (!response.ok) {
      const said = withoutKey(body.trim()).slice(0, SHOWN_CHARACTERS)
      const error = failed('engine-failed', `answered ${response.status}${said === '' ? '' : `: ${said}`}`)
      if (response.status === 429 || response.status >= 500) return again(error, retryAfter(response))
      throw error
    }
    const parsed = completion.safeParse(jsonOf(body))
    if (parsed.success) {
      const { choices, model: served } = parsed.data
      return { kind: 'done', value: { text: withoutKey(choices[0]!.message.content), model: served && withoutKey(served) } }
    }
    throw failed('engine-failed', `sent no chat completion: ${withoutKey(body).slice(0, SHOWN_CHARACTERS) || 'nothing'}`)
  } catch (error) {
    throwIfAborted(signal)
    if (error instanceof PalignError) throw error
    if (deadline.aborted) return again(failed('deadline-exceeded', `did not answer within ${timeoutMilliseconds} ms`, error))
    return again(failed('engine-failed', `cannot be reached: ${reasonOf(error)}`, error))
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
