/** @file The port of a judge: another language model that is asked by messages and answers in plain text. */
import { PalignError } from '../../errors.ts'
import type { Message } from '../../model/messages.ts'
import { type Unit, unitKey } from '../units.ts'

export interface JudgeReply {
  readonly text: string
  /** The model that answered, where the endpoint tells. */
  readonly model?: string | undefined
}

export interface Judge {
  /** Name of the model. */
  readonly model: string
  /** Where it runs. */
  readonly host: string
  /** At temperature 0. @throws PalignError where there is no usable reply after all retries */
  ask(messages: readonly Message[], options?: { readonly signal?: AbortSignal | undefined }): Promise<JudgeReply>
}

/** One question to a judge and what came back, as the log keeps it. */
export interface JudgeExchange {
  readonly judge: string
  readonly host: string
  readonly purpose: string
  readonly messages: readonly Message[]
  /** sha256 of the messages as JSON. */
  readonly promptSha256: string
  readonly reply: string
}

/** Raised whenever the same description comes to mean another question. */
const REVISION = 1

export interface JudgeUnitOptions {
  readonly judge: Judge
  readonly messages: readonly Message[]
  /** From 0; a repeat is asked again, not read from the store. */
  readonly repeat?: number | undefined
  readonly modelNames: readonly string[]
  readonly signal?: AbortSignal | undefined
}

/** The raw reply as a unit of work. @throws PalignError `invalid-input` where the model under test answers */
export async function judgeUnit({ judge, messages, repeat = 0, modelNames, signal }: JudgeUnitOptions): Promise<Unit> {
  const { model, host } = judge
  return {
    key: await unitKey({ kind: 'judge', revision: REVISION, model, host, messages, repeat }),
    async compute() {
      const reply = await judge.ask(messages, { signal })
      if (reply.model !== undefined) refuseSelfJudge(reply.model, modelNames)
      return reply.text
    },
  }
}

/**
 * A model does not grade itself. Names are compared without their owner, punctuation and what only tells the precision.
 * @param modelNames what the model under test is called: folder, fingerprint
 * @throws PalignError `invalid-input`
 */
export function refuseSelfJudge(judgeModel: string, modelNames: readonly string[]): void {
  const name = plainName(judgeModel)
  if (!modelNames.some((other) => plainName(other) === name)) return
  throw new PalignError('invalid-input', `judge ${judgeModel} is the model under test, expected another model`, {
    hint: 'give a judge of another family',
  })
}

const PRECISION = /^(?:latest|gguf|awq|gptq|fp\d+|bf\d+|f\d+|int\d+|q\d\w*|\d+bit)$/

function plainName(name: string): string {
  const last =
    name
      .toLowerCase()
      .split('/')
      .findLast((part) => part !== '') ?? ''
  const parts = last.split(/[^a-z0-9]+/).filter((part) => part !== '' && !PRECISION.test(part) && !/^[kms]$/.test(part))
  return parts.join('')
}
