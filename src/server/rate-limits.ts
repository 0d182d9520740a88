/** @file What one key may use: requests and tokens a minute, and requests at once. Callers without a key are limited by admission only. */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Caller, KeyLimits } from './caller.ts'
import { heldPlaces } from './held-places.ts'
import { refusal } from './problems.ts'

/** Prompts and answers of requests at once; what a person and their tools need, and no single key fills the queue. */
const DEFAULT_CONCURRENCY = 4

type Headers = Record<string, string>

export interface RateLimits {
  /** Counts a request. @returns headers that say what is left @throws a refusal where none is left */
  countRequest(caller: Caller): Promise<Headers>
  /** Counts the tokens of a prompt, and holds a place until the result is called. @throws a refusal where there is no room */
  begin(caller: Caller, promptTokens: number): Promise<{ readonly headers: Headers; readonly end: () => void }>
  /** Tokens that were generated: known only afterwards, and never refused. */
  spend(caller: Caller, tokens: number): void
}

const SECONDS = 60
type Kind = 'requests' | 'tokens'

export function rateLimits(defaults: KeyLimits = {}): RateLimits {
  // How much a key may use is compared here, since it differs from key to key: the limiter keeps the sums and the time.
  const window = (keyPrefix: Kind) => new RateLimiterMemory({ keyPrefix, points: Number.MAX_SAFE_INTEGER, duration: SECONDS })
  const windows = { requests: window('requests'), tokens: window('tokens') }
  const held = heldPlaces()
  const limitsOf = ({ limits }: Caller): KeyLimits => ({
    requestsPerMinute: limits.requestsPerMinute ?? defaults.requestsPerMinute,
    tokensPerMinute: limits.tokensPerMinute ?? defaults.tokensPerMinute,
    concurrency: limits.concurrency ?? defaults.concurrency ?? DEFAULT_CONCURRENCY,
  })

  async function count(kind: Kind, key: string, points: number, limit: number | undefined): Promise<Headers> {
    if (limit === undefined) return {}
    const before = await windows[kind].get(key)
    if ((before?.consumedPoints ?? 0) + points > limit) {
      throw refusal({
        code: 'rate_limit_exceeded',
        message: `key may use ${limit} ${kind} a minute`,
        headers: {
          ...headersOf(kind, limit, before),
          'retry-after': String(secondsOf(before)),
          // More than a whole minute's tokens in one request will never fit.
          ...(points > limit && { 'x-should-retry': 'false' }),
        },
      })
    }
    return headersOf(kind, limit, await windows[kind].penalty(key, points))
  }

  const hold = (key: string, most: number) =>
    held.take(key, most, {
      code: 'rate_limit_exceeded',
      message: `key has ${most} requests at once, and may have no more`,
      headers: { 'retry-after': '1' },
    })

  return {
    async countRequest(caller) {
      return caller.keyId === undefined ? {} : count('requests', caller.keyId, 1, limitsOf(caller).requestsPerMinute)
    },
    async begin(caller, promptTokens) {
      const { keyId } = caller
      if (keyId === undefined) return { headers: {}, end: () => undefined }
      const { concurrency, tokensPerMinute } = limitsOf(caller)
      const end = hold(keyId, concurrency!)
      try {
        return { headers: await count('tokens', keyId, promptTokens, tokensPerMinute), end }
      } catch (error) {
        end()
        throw error
      }
    },
    spend(caller, tokens) {
      if (caller.keyId === undefined || tokens === 0 || limitsOf(caller).tokensPerMinute === undefined) return
      void windows.tokens.penalty(caller.keyId, tokens)
    },
  }
}

function headersOf(kind: Kind, limit: number, state: RateLimiterRes | null): Headers {
  return {
    [`x-ratelimit-limit-${kind}`]: String(limit),
    [`x-ratelimit-remaining-${kind}`]: String(Math.max(0, limit - (state?.consumedPoints ?? 0))),
    [`x-ratelimit-reset-${kind}`]: `${secondsOf(state)}s`,
  }
}

const secondsOf = (state: RateLimiterRes | null) => Math.max(1, Math.ceil((state?.msBeforeNext ?? 0) / 1000))
