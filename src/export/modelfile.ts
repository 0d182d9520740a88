/**
 * @file Modelfile of Ollama: the model beside it, the system prompt of a persona, and the chat template where it is only something before and after each message; found by rendering
 * messages of known text, so that the model's own template decides.
 */
import type { Message } from '../model/messages.ts'

/** What a template writes around the messages of each role. */
export interface Affixes {
  readonly system: readonly [string, string]
  /** Before the text of a user. */
  readonly user: string
  /** After the text of a user an answer begins. */
  readonly assistant: readonly [string, string]
  /** What the template says where there is no system message. */
  readonly defaultSystem: string | undefined
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
  const [bareBegin, bareEnd] = (await render(chat.slice(1, 2))).split(SAID.user)
  if (end !== afterUser || bareEnd !== afterUser) return undefined
  // What stands before every user's text, whatever came before it.
  const between = sharedEnd(sharedEnd(afterSystem!, afterAnswer!), bareBegin!)
  const before = (text: string) => text.slice(0, text.length - between.length)
  const affixes: Affixes = {
    system: [begin!, before(afterSystem!)],
    user: between,
    assistant: [afterUser!, before(afterAnswer!)],
    defaultSystem: insideOf(before(bareBegin!), [begin!, before(afterSystem!)]),
  }
  const isSame = first === `${begin}${SAID.system}${afterSystem}${SAID.user}${afterUser}`
  return isSame && (before(bareBegin!) === '' || affixes.defaultSystem !== undefined) ? affixes : undefined
}

/** A template may write a system message of its own where none is given. */
function insideOf(text: string, [begin, end]: readonly [string, string]): string | undefined {
  const isThere = text.length > begin.length + end.length && text.startsWith(begin) && text.endsWith(end)
  return isThere ? text.slice(begin.length, text.length - end.length) : undefined
}

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
    lines.push('# No TEMPLATE: the model has no chat template, or one that is more than text around messages.')
  else lines.push(`TEMPLATE ${quoted(goTemplate(affixes, bos))}`)
  const said = system ?? affixes?.defaultSystem
  if (said !== undefined) lines.push(`SYSTEM ${quoted(said)}`)
  for (const text of stop) lines.push(`PARAMETER stop ${JSON.stringify(text)}`)
  if (license !== undefined) lines.push(`LICENSE ${quoted(license)}`)
  return `${lines.join('\n')}\n`
}

/** Ollama repeats it for every turn, the system message only with the first: so what is said without one goes into SYSTEM. */
function goTemplate({ system, user, assistant }: Affixes, bos: string): string {
  const begin = bos !== '' && system[0].startsWith(bos) ? system[0].slice(bos.length) : system[0]
  return (
    `{{ if .System }}${literal(begin)}{{ .System }}${literal(system[1])}{{ end }}` +
    `${literal(user)}{{ .Prompt }}${literal(assistant[0])}{{ .Response }}${literal(assistant[1])}`
  )
}

/** Braces of a template's own are written as text. */
const literal = (text: string) => text.replaceAll('{{', '{{ "{{" }}')

/** Three quotes inside would end it. */
const quoted = (text: string) => `"""${text.replaceAll('"""', '"\u200b""')}"""`
