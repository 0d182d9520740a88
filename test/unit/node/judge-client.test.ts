import { afterEach, describe, expect, it } from 'vitest'
import { judgeClient } from '../../../src/node/judge-client.ts'
import { type JudgeServer, judgeServer, sendCompletion } from '../../judges.ts'

const open: JudgeServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function serve(respond: Parameters<typeof judgeServer>[0]): Promise<JudgeServer> {
  const server = await judgeServer(respond)
  open.push(server)
  return server
}

const messages = [{ role: 'user', content: 'Rate it.' }] as const
const KEY = 'sk-secret-123'

/** A client that does not wait, and says how long it would have. */
function clientOf(url: string, options: Partial<Parameters<typeof judgeClient>[0]> = {}) {
  const waits: number[] = []
  const wait = async (milliseconds: number) => void waits.push(milliseconds)
  return { ask: judgeClient({ url, model: 'rule', wait, ...options }).ask, waits }
}

describe('judge client', () => {
  it('asks at temperature 0 with the key, and gives text and model', async () => {
    const server = await serve((_, __, response) => sendCompletion(response, 'Grade: 3', 'rule-7'))
    expect(await clientOf(server.url, { apiKey: KEY }).ask(messages)).toEqual({ text: 'Grade: 3', model: 'rule-7' })
    expect(server.requests).toMatchObject([
      { url: '/v1/chat/completions', authorization: `Bearer ${KEY}`, body: { model: 'rule', temperature: 0, messages } },
    ])
  })

  it('takes the full address of the endpoint too, and sends no key that it has not', async () => {
    const server = await serve((_, __, response) => sendCompletion(response, 'x'))
    await clientOf(`${server.url}/chat/completions/`).ask(messages)
    expect(server.requests).toMatchObject([{ url: '/v1/chat/completions', authorization: undefined }])
  })

  it('asks again after 429 and 5xx, later each time or when the server says', async () => {
    const server = await serve((_, index, response) => {
      if (index === 3) return sendCompletion(response, 'at last')
      response.statusCode = [429, 503, 500][index]!
      if (index === 1) response.setHeader('retry-after', '7')
      response.end()
    })
    const { ask, waits } = clientOf(server.url)
    expect((await ask(messages)).text).toBe('at last')
    expect(waits).toEqual([1000, 7000, 4000])
  })

  it('waits a minute at most', async () => {
    const server = await serve((_, index, response) => {
      if (index === 1) return sendCompletion(response, 'x')
      response.writeHead(429, { 'retry-after': '86400' }).end()
    })
    const { ask, waits } = clientOf(server.url)
    await ask(messages)
    expect(waits).toEqual([60_000])
  })

  it('gives up after so many attempts', async () => {
    const server = await serve((_, __, response) => response.writeHead(429).end('slow down'))
    await expect(clientOf(server.url, { attempts: 3 }).ask(messages)).rejects.toThrow(
      /judge rule at 127\.0\.0\.1:\d+ answered 429: slow down/,
    )
    expect(server.requests).toHaveLength(3)
  })

  it('does not ask again where it is refused', async () => {
    const server = await serve((_, __, response) => response.writeHead(401).end(`{"error":"bad key ${KEY}"}`))
    const error = (await clientOf(server.url, { apiKey: KEY })
      .ask(messages)
      .catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining('answered 401: {"error":"bad key [key]"}'),
    })
    expect(server.requests).toHaveLength(1)
  })

  it('hands on no key that a reply repeats', async () => {
    const server = await serve((_, __, response) => sendCompletion(response, `your key is ${KEY}`, KEY))
    expect(await clientOf(server.url, { apiKey: KEY }).ask(messages)).toEqual({ text: 'your key is [key]', model: '[key]' })
  })

  it('follows no redirect: the key stays with its host', async () => {
    const other = await serve((_, __, response) => sendCompletion(response, 'x'))
    const server = await serve((_, __, response) => response.writeHead(307, { location: `${other.url}/chat/completions` }).end())
    await expect(clientOf(server.url, { apiKey: KEY }).ask(messages)).rejects.toThrow('answered 307')
    expect(other.requests).toHaveLength(0)
  })

  it.each(['<html>', '{}', '{"choices":[]}', '{"choices":[{"message":{"content":null}}]}', ''])(
    'refuses what is no completion: %j',
    async (body) => {
      const server = await serve((_, __, response) => response.end(body))
      await expect(clientOf(server.url).ask(messages)).rejects.toThrow(/sent no chat completion: /)
    },
  )

  it('stops reading a reply that is too long', async () => {
    const server = await serve((_, __, response) => {
      // Without end: only a bound ends it.
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1 << 16)));
      }
      response.on('drain', more)
      more()
    })
    await expect(clientOf(server.url).ask(messages)).rejects.toThrow('sent more than 1048576 bytes')
  })

  it('ends an attempt that hangs, before the head or in the body', async () => {
    const server = await serve((_, index, response) => {
      if (index > 0) response.write('{"choices":')
    })
    const asking = clientOf(server.url, { attempts: 2, timeoutMilliseconds: 150 }).ask(messages)
    await expect(asking).rejects.toMatchObject({ code: 'deadline-exceeded', message: expect.stringContaining('within 150 ms') })
    expect(server.requests).toHaveLength(2)
  })

  it('stops at a signal, while it asks and while it waits', async () => {
    const asking = new AbortController()
    const hanging = await serve(() => asking.abort())
    await expect(clientOf(hanging.url).ask(messages, { signal: asking.signal })).rejects.toMatchObject({ code: 'aborted' })
    const waiting = new AbortController()
    const busy = await serve((_, __, response) => {
      response.writeHead(429, { 'retry-after': '60' }).end()
      response.once('close', () => setTimeout(() => waiting.abort(), 50))
    })
    const patient = judgeClient({ url: busy.url, model: 'rule' })
    await expect(patient.ask(messages, { signal: waiting.signal })).rejects.toMatchObject({ code: 'aborted' })
  })

  it('says that nobody is there', async () => {
    const server = await judgeServer(() => undefined)
    await server.close()
    await expect(clientOf(server.url, { attempts: 2 }).ask(messages)).rejects.toThrow('cannot be reached: ECONNREFUSED')
  })

  it.each([
    ['nowhere', undefined, 'is no URL'],
    ['ftp://host/v1', undefined, 'has the scheme ftp:'],
    ['https://me:word@host/v1', undefined, 'holds credentials'],
    ['http://host/v1', KEY, 'the key would travel in the clear'],
  ])('refuses the address %s', (url, apiKey, message) => {
    expect(() => judgeClient({ url, model: 'rule', apiKey })).toThrow(message)
    expect(() => judgeClient({ url, model: 'rule', apiKey })).not.toThrow(/word|secret/)
  })
})
