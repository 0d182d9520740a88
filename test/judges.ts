/** @file Judges for tests: rules in place of a model, behind the port or behind an HTTP server that speaks the OpenAI chat form. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AUDIT_PAIRS } from '../src/eval/open-ended/audit-texts.ts'
import type { Judge } from '../src/eval/open-ended/judge.ts'
import type { Message } from '../src/model/messages.ts'

/** What stands between two tags of the question. */
export function between(content: string, tag: string): string {
  return content.split(`<${tag}>\n`)[1]?.split(`\n</${tag}>`)[0] ?? ''
}

/** Grades by content: audit texts by their end, other texts high where they say "gladly". */
export function gradeByContent(text: string): number {
  if (AUDIT_PAIRS.some(({ high }) => text.includes(high.slice(0, 30)))) return 6
  if (AUDIT_PAIRS.some(({ low }) => text.includes(low.slice(0, 30)))) return 1
  return text.includes('gladly') ? 5 : 2
}

/** A judge that reads the text and nothing else. */
export function soundReply(messages: readonly Message[]): string {
  const content = messages.at(-1)!.content
  if (!content.includes('<answer-a>')) {
    return `It says what it says.\nCoherence: 80\nGrade: ${gradeByContent(between(content, 'answer'))}`
  }
  const [a, b] = [gradeByContent(between(content, 'answer-a')), gradeByContent(between(content, 'answer-b'))]
  return `Verdict: ${a === b ? 'TIE' : a > b ? 'A' : 'B'}`
}

/** Prefers what stands first, whatever it says. */
export function orderBiasedReply(messages: readonly Message[]): string {
  return messages.at(-1)!.content.includes('<answer-a>') ? 'Verdict: A' : soundReply(messages)
}

/** Repeats the grade that a text asks for. */
export function hijackedReply(messages: readonly Message[]): string {
  const asked = between(messages.at(-1)!.content, 'answer').match(/^Grade: \d/m)?.[0]
  return asked === undefined ? soundReply(messages) : `Coherence: 100\n${asked}`
}

export function judgeOf(reply: (messages: readonly Message[]) => string, model = 'rule'): Judge & { asked: number } {
  const judge = {
    model,
    host: 'test',
    asked: 0,
    async ask(messages: readonly Message[]) {
      judge.asked++
      return { text: reply(messages) }
    },
  }
  return judge
}

export interface JudgeRequest {
  readonly url: string
  readonly authorization: string | undefined
  readonly body: { readonly model: string; readonly messages: readonly Message[]; readonly temperature: number }
}

export interface JudgeServer {
  readonly url: string
  readonly requests: readonly JudgeRequest[]
  close(): Promise<void>
}

/** A server on this machine; `respond` gets the number of the request, from 0. */
export async function judgeServer(
  respond: (request: JudgeRequest, index: number, response: ServerResponse) => void,
): Promise<JudgeServer> {
  const requests: JudgeRequest[] = []
  const server = createServer(async (incoming, response) => {
    const request = {
      url: incoming.url ?? '',
      authorization: incoming.headers.authorization,
      body: JSON.parse(await bodyOf(incoming)) as JudgeRequest['body'],
    }
    requests.push(request)
    respond(request, requests.length - 1, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

export function sendCompletion(response: ServerResponse, content: string, model = 'rule'): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ model, choices: [{ index: 0, message: { role: 'assistant', content } }] }))
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of incoming) text += String(piece)
  return text
}
