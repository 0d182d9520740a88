/** @file Next-token distributions of a loaded model: what exports are compared with, and how folders are verified. */
import { logProbabilities, type Distributions, type Probe } from '../export/verification.ts'
import type { LanguageModel, TokenModel } from '../model/language-model.ts'
import type { Displacement } from '../model/displacement.ts'
import { probeOf, VERIFICATION_TEXTS } from '../export/verification-prompts.ts'
import { PalignError } from '../errors.ts'
import { messagesFor } from './persona-messages.ts'
import type { OpenedExport } from './export-target.ts'

export async function engineDistributions(
  model: Pick<TokenModel, 'logits'>,
  probes: readonly Probe[],
  displacement?: Displacement,
): Promise<Distributions> {
  const all: Float64Array[][] = []
  for (const { tokens, places } of probes) {
    const ofProbe: Float64Array[] = []
    for (const place of places) ofProbe.push(logProbabilities(await model.logits({ tokens: tokens.slice(0, place + 1), displacement })))
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
