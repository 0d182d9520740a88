/** @file `palign generate`: text from a model, steered by a persona if one is given. */
import { text as readStream } from 'node:stream/consumers'
import { PalignError } from '../errors.ts'
import { messagesFor } from '../eval/arm-text.ts'
import { compilePersona } from '../persona/persona.ts'
import { type ModelOptions, openModel } from './open-model.ts'
import { interruptSignal, note, printJson } from './output.ts'
import { passphraseOf } from './passphrase.ts'
import { mismatchNote, usablePersona } from './use-persona.ts'

interface GenerateOptions extends ModelOptions {
  readonly persona?: string
  readonly passphraseFile?: string
  readonly allowModelMismatch?: boolean
  readonly alpha?: number
  readonly temperature: number
  readonly topP: number
  readonly maxTokens: number
  readonly seed: number
  readonly raw?: boolean
  readonly json?: boolean
}

export async function generateCommand(prompt: string, options: GenerateOptions): Promise<void> {
  if (options.alpha !== undefined && options.persona === undefined) {
    throw new PalignError('invalid-input', '--alpha was given without --persona', {
      hint: 'name the persona whose strength it sets',
    })
  }
  const signal = interruptSignal()
  const said = prompt === '-' ? await readStream(process.stdin) : prompt
  const persona =
    options.persona === undefined
      ? ({ kind: 'none' } as const)
      : await usablePersona(options.persona, { passphrase: passphraseOf(options) })
  const model = await openModel(options)
  try {
    const { alpha, allowModelMismatch } = options
    const { system, ...steering } = compilePersona(persona, model, { alpha, allowModelMismatch })
    const mismatch = mismatchNote(persona, model)
    if (mismatch !== undefined) note(`palign: ${mismatch}`)
    if (persona.kind === 'adapter' && persona.model === undefined) {
      note(`palign: ${options.persona} does not say which model it was trained on; that its shapes fit is all that is checked`)
    }
    const steered = steering.displacement !== undefined || steering.adapter !== undefined
    const { temperature, topP, maxTokens, seed } = options
    const messages = messagesFor({ system }, said)
    if (options.raw && system !== undefined) note('palign: --raw leaves out the system prompt of this persona')
    const input = options.raw ? { tokens: model.encode(said) } : { messages }
    for await (const event of model.generate({ ...input, ...steering, temperature, topP, maxTokens, seed, signal })) {
      if (event.kind === 'token' && !options.json) process.stdout.write(event.text)
      if (event.kind === 'finish' && options.json)
        printJson({ ...event, steered, seed, ...(mismatch !== undefined && { modelMismatch: true }) })
      if (event.kind === 'finish' && !options.json) process.stdout.write('\n')
    }
  } finally {
    await model.dispose()
  }
}
