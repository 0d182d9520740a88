/**
 * @file Fields that other servers know and that would change the answer: a request that asks for one is refused by its name, not answered as if it had
 * not asked. Fields that are in no list here change nothing and are passed over.
 */
import { refusal } from './problems.ts'

type Harmless = (value: unknown) => boolean

const isOneOf =
  (...values: readonly unknown[]): Harmless =>
  (value) =>
    values.includes(value)
const isEmpty: Harmless = (value) => typeof value === 'object' && Object.keys(value as object).length === 0
const never: Harmless = () => false

/** With the values that ask for nothing. `null` never does. */
const ON_BOTH: Readonly<Record<string, Harmless>> = {
  frequency_penalty: isOneOf(0),
  presence_penalty: isOneOf(0),
  repetition_penalty: isOneOf(1),
  logit_bias: isEmpty,
  best_of: isOneOf(1),
  use_beam_search: isOneOf(false),
  length_penalty: isOneOf(1),
  top_k: isOneOf(-1, 0),
  min_p: isOneOf(0),
  typical_p: isOneOf(1),
  mirostat: isOneOf(0),
  min_tokens: isOneOf(0),
  ignore_eos: isOneOf(false),
  stop_token_ids: isEmpty,
  bad_words: isEmpty,
  allowed_token_ids: isEmpty,
  include_stop_str_in_output: isOneOf(false),
  prompt_logprobs: never,
  truncate_prompt_tokens: never,
  logits_processors: isEmpty,
  structured_outputs: never,
  guided_json: never,
  guided_regex: never,
  guided_choice: never,
  guided_grammar: never,
  grammar: isOneOf(''),
  json_schema: never,
  lora: isEmpty,
  lora_request: never,
  steering: never,
  control_vector: never,
  steer_vector_request: never,
  chat_template: never,
  chat_template_kwargs: isEmpty,
  documents: isEmpty,
}

const ON_CHAT: Readonly<Record<string, Harmless>> = {
  ...ON_BOTH,
  tools: isEmpty,
  functions: isEmpty,
  tool_choice: isOneOf('none', 'auto'),
  function_call: isOneOf('none', 'auto'),
  modalities: (value) => Array.isArray(value) && value.every((one) => one === 'text'),
  audio: never,
  web_search_options: never,
  reasoning_effort: isOneOf('none'),
  verbosity: isOneOf('medium'),
  add_generation_prompt: isOneOf(true),
  continue_final_message: isOneOf(false),
  echo: isOneOf(false),
}

const ON_COMPLETIONS: Readonly<Record<string, Harmless>> = { ...ON_BOTH, suffix: isOneOf(''), prompt_embeds: never }

function refuse(table: Readonly<Record<string, Harmless>>, json: Readonly<Record<string, unknown>>): void {
  for (const [param, isHarmless] of Object.entries(table)) {
    const value = Object.hasOwn(json, param) ? json[param] : null
    if (value === null || isHarmless(value)) continue
    throw refusal({ code: 'unsupported_value', param, message: `${param} is not supported by this server${HINTS[param] ?? ''}` })
  }
}

const HINTS: Readonly<Record<string, string>> = {
  steering: '; name personas in the field persona',
  control_vector: '; name personas in the field persona',
  steer_vector_request: '; name personas in the field persona',
  lora: '; name personas in the field persona',
  chat_template: '; the template is the one of the model',
}

/** @throws a refusal `unsupported_value` that names the field */
export function refuseUnsupportedChat(json: Readonly<Record<string, unknown>>): void {
  refuse(ON_CHAT, json)
  refuseFormat(json.response_format)
  refuseParts(json.messages)
}

/** @throws a refusal `unsupported_value` that names the field */
export function refuseUnsupportedCompletion(json: Readonly<Record<string, unknown>>): void {
  refuse(ON_COMPLETIONS, json)
  refuseFormat(json.response_format)
}

function refuseFormat(format: unknown): void {
  if (format === undefined || format === null) return
  const param = 'response_format'
  const { type, json_schema: schema } = format as { type?: unknown; json_schema?: { schema?: unknown } }
  if (typeof format !== 'object' || typeof type !== 'string') {
    throw refusal({ code: 'invalid_type', param, message: 'response_format is no object with a type' })
  }
  if (type === 'text') return
  if (type === 'json_schema' && (typeof schema?.schema !== 'object' || schema.schema === null)) {
    throw refusal({
      code: 'missing_required_parameter',
      param: `${param}.json_schema.schema`,
      message: 'response_format has no schema',
    })
  }
  throw refusal({
    code: 'unsupported_value',
    param: `${param}.type`,
    message: 'response_format is not supported by this server but as text',
  })
}

/** Images, sounds and files in messages, and calls of tools. */
function refuseParts(messages: unknown): void {
  if (!Array.isArray(messages)) return
  for (const [m, message] of messages.entries()) {
    if (typeof message !== 'object' || message === null) continue
    const { content, tool_calls: calls, role } = message as Record<string, unknown>
    if (role === 'tool' || role === 'function') {
      throw refusal({ code: 'unsupported_value', param: `messages.${m}.role`, message: 'messages of tools are not supported' })
    }
    if (Array.isArray(calls) && calls.length > 0) {
      throw refusal({ code: 'unsupported_value', param: `messages.${m}.tool_calls`, message: 'calls of tools are not supported' })
    }
    if (!Array.isArray(content)) continue
    for (const [p, part] of content.entries()) {
      const type = (part as { type?: unknown } | null)?.type
      if (typeof type === 'string' && type !== 'text') {
        throw refusal({
          code: 'unsupported_value',
          param: `messages.${m}.content.${p}.type`,
          message: 'parts of messages other than text are not supported',
        })
      }
    }
  }
}
