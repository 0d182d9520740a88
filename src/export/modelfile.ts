/**
 * @file Modelfile of Ollama: the model beside it, the system prompt of a persona, and the chat template where it is only something before and after each message; found by rendering
 * messages of known text, so that the model's own template decides.
 */
import type { Message } from '../model/messages.ts'

/** What a template writes around the messages of each role. */
export interface Affixes {
  readonly system: readonly [string, string]
  readonly user: readonly [string, string]
  readonly assistant: readonly [string, string]
  /** What stands at the beginning where there is no system message. */
  readonly withoutSystem: string
}

const SAID = { system: 'SYSTEM-7f3a', user: 'USER-7f3a', assistant: 'ANSWER-7f3a', again: 'AGAIN-7f3a' } as const

/** @param render the template's text of messages, ready for an answer @returns undefined where the template does more */
export async function affixesOf(render: (messages: readonly Message[]) => Promise<string>): Promise<Affixes | undefined> {
  const chat: readonly Message[] = [
    { role: 'system', content: SAID.system },
    { role: 'user', content: SAID.user },
    { role: 'assistant', content: SAID.assistant },
    { role: 'user', content: SAID.again },
  ]
  const whole = await render(chat)
  const [begin, afterSystem, afterUser, afterAnswer, end] = whole.split(new RegExp(Object.values(SAID).join('|')))
  if (
    end === undefined ||
    whole !== [begin, SAID.system, afterSystem, SAID.user, afterUser, SAID.assistant, afterAnswer, SAID.again, end].join('')
  )
    return undefined
  const first = await render(chat.slice(0, 2))
  const bare = await render(chat.slice(1, 2))
  // What follows a user's text is how an answer begins; the two messages share what stands between them.
  const between = sharedEnd(afterSystem!, afterAnswer!)
  const affixes: Affixes = {
    system: [begin!, afterSystem!.slice(0, afterSystem!.length - between.length)],
    user: [between, ''],
    assistant: [afterUser!, afterAnswer!.slice(0, afterAnswer!.length - between.length)],
    withoutSystem: bare.split(between + SAID.user)[0]!,
  }
  const isSame =
    end === afterUser &&
    first === joined(affixes, [SAID.system, SAID.user]) &&
    bare === `${affixes.withoutSystem}${between}${SAID.user}${afterUser}`
  return isSame ? affixes : undefined
}

const joined = ({ system, user, assistant }: Affixes, [said, asked]: readonly [string, string]) =>
  `${system[0]}${said}${system[1]}${user[0]}${asked}${user[1]}${assistant[0]}`

function sharedEnd(a: string, b: string): string {
  let length = 0
  while (length < Math.min(a.length, b.length) && a.at(-1 - length) === b.at(-1 - length)) length++
  return length === 0 ? '' : a.slice(-length)
}

export interface ModelfileOptions {
  /** Plain name of the GGUF file beside it. */
  readonly model: string
  /** Undefined where the template cannot be said there. */
  readonly affixes: Affixes | undefined
  /** Text of the token that the program itself puts first. */
  readonly bos: string
  readonly system: string | undefined
  /** Texts of the tokens that end an answer. */
  readonly stop: readonly string[]
  readonly license: string | undefined
}

export function modelfile({ model, affixes, bos, system, stop, license }: ModelfileOptions): string {
  const lines = [`FROM ./${model}`]
  if (affixes === undefined)
    lines.push(
      '# No TEMPLATE: the model has no chat template, or one that is more than text around messages.',
    )
  else lines.push(`TEMPLATE ${quoted(goTemplate(affixes, bos))}`)
  if (system !== undefined) lines.push(`SYSTEM ${quoted(system)}`)
  for (const text of stop) lines.push(`PARAMETER stop ${JSON.stringify(text)}`)
  if (license !== undefined) lines.push(`LICENSE ${quoted(license)}`)
  return `${lines.join('\n')}\n`
}

function goTemplate({ system, user, assistant, withoutSystem }: Affixes, bos: string): string {
  const begins = (text: string) => literal(bos !== '' && text.startsWith(bos) ? text.slice(bos.length) : text)
  const otherwise = begins(withoutSystem) === '' ? '' : `{{ else }}${begins(withoutSystem)}`
  return (
    `{{ if .System }}${begins(system[0])}{{ .System }}${literal(system[1])}${otherwise}{{ end }}` +
    `${literal(user[0])}{{ .Prompt }}${literal(user[1])}${literal(assistant[0])}{{ .Response }}${literal(assistant[1])}`
  )
}

/** Braces of a template's own are written as text. */
const literal = (text: string) => text.replaceAll('{{', '{{ "{{" }}')

/** Three quotes inside would end it. */
const quoted = (text: string) => `"""${text.replaceAll('"""', '"\u200b""')}"""`
