/** @file `palign mix`: a weighted sum of persona files as another persona file, with a prompt if one is given. */
import { PalignError } from '../errors.ts'
import { prepareToWrite } from '../node/atomic-write.ts'
import { writePersona } from '../node/persona-file.ts'
import { decodeText, readFileBounded } from '../node/read-file.ts'
import { mix, type WeightedPersona, withPrompt } from '../persona/algebra.ts'
import { contentHash } from '../persona/content-hash.ts'
import type { PromptSteeringPersona, SteeringPersona } from '../persona/persona.ts'
import { print, printJson } from './output.ts'
import { type PassphraseOptions, passphraseOf } from './passphrase.ts'
import { usablePersona } from './use-persona.ts'

interface MixOptions extends PassphraseOptions {
  readonly out: string
  readonly alpha?: number
  readonly system?: string
  readonly json?: boolean
}

const MOST_PROMPT_BYTES = 1 << 20

export async function mixCommand(operands: readonly string[], options: MixOptions): Promise<void> {
  const { out, json, alpha } = options
  const named = operands.map(parseOperand)
  await prepareToWrite(out)
  const passphrase = passphraseOf(options)
  const parts: WeightedPersona[] = []
  // Other kinds than steering are refused by the algebra, which says why.
  for (const { path, weight } of named)
    parts.push({ persona: (await usablePersona(path, { passphrase })) as SteeringPersona, weight })
  const sum = await mix(parts, { alpha })
  const persona = dated(options.system === undefined ? sum : await prompted(sum, options.system))
  await writePersona(out, persona)
  const heads = persona.interventions.length
  if (json) {
    const { kind, model, about } = persona
    printJson({
      persona: out,
      kind,
      model,
      alpha: persona.alpha,
      heads,
      parents: about?.parents,
      sha256: await contentHash(persona),
    })
    return
  }
  print(`persona written to ${out}: ${named.map(({ path, weight }) => `${weight} x ${path}`).join(' + ')}, ${heads} heads`)
  if (heads === 0) print('everything cancels: it is the base model')
  print('its alpha was not searched on any questions; measure it before you believe it')
}

/** `path=weight`; a path may hold an = itself. */
function parseOperand(operand: string): { readonly path: string; readonly weight: number } {
  const [, path = '', text = ''] = /^(.+)=([^=]*)$/.exec(operand) ?? []
  const weight = text.trim() === '' ? Number.NaN : Number(text)
  if (path !== '' && Number.isFinite(weight)) return { path, weight }
  throw new PalignError('invalid-input', `operand ${JSON.stringify(operand)} is not path=weight`, {
    hint: 'palign mix a.safetensors=0.7 b.safetensors=0.3 --out c.safetensors',
  })
}

async function prompted(persona: SteeringPersona, path: string): Promise<PromptSteeringPersona> {
  const system = decodeText(await readFileBounded(path, MOST_PROMPT_BYTES), path).trim()
  if (system === '') throw new PalignError('invalid-input', `file ${path} holds no prompt`)
  return withPrompt(persona, { kind: 'prompt', method: 'prompt', system })
}

const dated = <P extends SteeringPersona | PromptSteeringPersona>(persona: P): P => ({
  ...persona,
  about: { ...persona.about, created: new Date().toISOString() },
})
