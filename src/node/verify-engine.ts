/** @file Next-token distributions of a loaded model: what exports are compared with, and how folders are verified. */

import { PalignError } from '../errors.ts'
import type { Distributions, Probe } from '../export/verification.ts'
import { probeOf, VERIFICATION_TEXTS } from '../export/verification-prompts.ts'
import { DEFAULT_SYSTEM_PROMPT } from '../items/question-form.ts'
import { logSoftmax } from '../math/log-softmax.ts'
import type { Displacement } from '../model/displacement.ts'
import type { LanguageModel, TokenModel } from '../model/language-model.ts'
import type { OpenedExport } from './export-target.ts'

export async function engineDistributions(
  model: Pick<TokenModel, 'logits'>,
  probes: readonly Probe[],
  displacement?: Displacement,
): Promise<Distributions> {
  const all: Float64Array[][] = []
  for (const { tokens, places } of probes) {
    const ofProbe: Float64Array[] = []
    for (const place of places) ofProbe.push(logSoftmax(await model.logits({ tokens: tokens.slice(0, place + 1), displacement })))
    all.push(ofProbe)
  }
  return all
}

/** A model that palign itself has loaded from the export. */
export function engineExport(model: LanguageModel, program: string): OpenedExport {
  return {
    program,
    distributions: (probes) => engineDistributions(model, probes),
    encode: (text) => model.encode(text),
    dispose: () => model.dispose(),
  }
}

/** The fixed texts as they are, and, where the model has a chat template, every other one of them as a chat under the persona's system prompt. */
export async function verificationProbes(model: LanguageModel, system: string | undefined): Promise<readonly Probe[]> {
  const probes: Probe[] = []
  for (const [i, text] of VERIFICATION_TEXTS.entries()) {
    const chat = i % 2 === 1 ? await asChat(model, text, system) : undefined
    const tokens = chat ?? model.encode(text)
    probes.push(probeOf(tokens.slice(0, model.shape.contextLength)))
  }
  return probes
}

async function asChat(model: LanguageModel, text: string, system: string | undefined): Promise<number[] | undefined> {
  try {
    return await model.render([
      { role: 'system', content: system ?? DEFAULT_SYSTEM_PROMPT },
      { role: 'user', content: text },
    ])
  } catch (error) {
    if (error instanceof PalignError && error.code === 'unsupported-model') return undefined
    throw error
  }
}
