/**
 * @file Which program applies which bias: architecture x carrier x target. A cell that is known to drop the persona, or to refuse the file, is refused before anything is written; an
 * unknown one is written and left to the verification. Cells of llama.cpp are measured on tiny models of each architecture (test/engine/gguf-carriers.test.ts).
 */
import { PalignError } from '../errors.ts'
import type { Carrier } from './bias.ts'

export type CarrierTarget = 'llama.cpp' | 'transformers' | 'vllm' | 'onnxruntime'
export type CarrierOutcome = 'applied' | 'load error' | 'ignored' | 'unknown'

/** `measured` by a test of ours, `reported` by the code or issues of the program, `derived` from its published classes. */
export type CarrierEvidence = 'measured' | 'reported' | 'derived'

export interface CarrierCell {
  readonly target: CarrierTarget
  /** As the format of the target calls it: general.architecture of GGUF, model_type of config.json. */
  readonly architecture: string
  readonly carrier: Carrier
  readonly outcome: CarrierOutcome
  readonly evidence: CarrierEvidence
}

/** The release that the measured cells are true of. */
export const LLAMA_CPP_RELEASE = 'v0.5.0'

const BOTH = ['llama', 'mistral3', 'deci', 'minicpm', 'granite', 'starcoder2', 'nemotron'] as const
const VALUES_ONLY = [
  'qwen2',
  'qwen3',
  'gemma',
  'gemma2',
  'gemma3',
  'smollm3',
  'exaone',
  'exaone4',
  'internlm2',
  'olmo2',
  'arcee',
  'seed_oss',
  'stablelm',
  'hunyuan-dense',
  'glm4',
  'cohere2',
] as const

function llamaCpp(architecture: string, output: CarrierOutcome, values: CarrierOutcome): CarrierCell[] {
  const cell = { target: 'llama.cpp', architecture, evidence: 'measured' } as const
  return [
    { ...cell, carrier: 'o-bias', outcome: output },
    { ...cell, carrier: 'v-bias', outcome: values },
  ]
}

export const CARRIER_CELLS: readonly CarrierCell[] = [
  ...BOTH.flatMap((architecture) => llamaCpp(architecture, 'applied', 'applied')),
  ...VALUES_ONLY.flatMap((architecture) => llamaCpp(architecture, 'load error', 'applied')),
  // The file loads, and nothing is said.
  ...llamaCpp('ernie4_5', 'ignored', 'applied'),
  // Query, key and value are one matrix there: a bias of the values alone belongs to nothing.
  ...llamaCpp('phi3', 'load error', 'ignored'),
  { target: 'transformers', architecture: 'llama', carrier: 'o-bias', outcome: 'applied', evidence: 'derived' },
  { target: 'transformers', architecture: 'llama', carrier: 'v-bias', outcome: 'applied', evidence: 'derived' },
  { target: 'transformers', architecture: 'qwen3', carrier: 'o-bias', outcome: 'applied', evidence: 'derived' },
  { target: 'transformers', architecture: 'qwen2', carrier: 'o-bias', outcome: 'ignored', evidence: 'derived' },
  { target: 'transformers', architecture: 'qwen2', carrier: 'v-bias', outcome: 'applied', evidence: 'derived' },
  { target: 'vllm', architecture: 'llama', carrier: 'o-bias', outcome: 'applied', evidence: 'reported' },
  { target: 'vllm', architecture: 'llama', carrier: 'v-bias', outcome: 'applied', evidence: 'reported' },
  { target: 'vllm', architecture: 'qwen2', carrier: 'o-bias', outcome: 'ignored', evidence: 'reported' },
  { target: 'vllm', architecture: 'qwen2', carrier: 'v-bias', outcome: 'applied', evidence: 'reported' },
  { target: 'vllm', architecture: 'qwen3', carrier: 'o-bias', outcome: 'ignored', evidence: 'reported' },
  { target: 'onnxruntime', architecture: 'any', carrier: 'o-bias', outcome: 'applied', evidence: 'measured' },
]

export function carrierOutcome(target: CarrierTarget, architecture: string, carrier: Carrier): CarrierOutcome {
  const found = CARRIER_CELLS.find(
    (cell) => cell.target === target && cell.architecture === architecture && cell.carrier === carrier,
  )
  return found?.outcome ?? 'unknown'
}

const OTHER: Readonly<Record<Carrier, Carrier>> = { 'o-bias': 'v-bias', 'v-bias': 'o-bias' }

/**
 * The carrier to write: the wanted one, or else the one of the attention output where the target applies it, or that of the values where the persona allows it.
 * @param tied whether heads of each key/value group move together, so that a bias of the values says the same
 * @throws PalignError `incompatible-persona` where the target is known to have no place for the persona, with what would work
 */
export function chooseCarrier({
  target,
  architecture,
  tied,
  wanted,
}: {
  readonly target: CarrierTarget
  readonly architecture: string
  readonly tied: boolean
  readonly wanted?: Carrier | undefined
}): Carrier {
  const outcomeOf = (carrier: Carrier) => carrierOutcome(target, architecture, carrier)
  const works = (carrier: Carrier) =>
    (carrier === 'o-bias' || tied) && (outcomeOf(carrier) === 'applied' || outcomeOf(carrier) === 'unknown')
  const chosen = wanted ?? (['o-bias', 'v-bias'] as const).find(works) ?? 'o-bias'
  if (works(chosen)) return chosen
  if (chosen === 'v-bias' && !tied) {
    throw unfit(
      'persona moves heads of one key/value group differently, a bias of the values cannot',
      works('o-bias') ? 'leave the carrier to palign' : TIED_HINT,
    )
  }
  const other = OTHER[chosen]
  const hint = works(other)
    ? `choose the carrier ${other}`
    : outcomeOf(other) === 'applied' && !tied
      ? TIED_HINT
      : 'export to onnx, which applies it for every architecture'
  throw unfit(`carrier ${chosen} in ${target} for architecture ${architecture} gives: ${outcomeOf(chosen)}`, hint)
}

const TIED_HINT = 'align with --method pas:kv-tied, whose personas a bias of the values carries; or export to onnx'

function unfit(message: string, hint: string): PalignError {
  return new PalignError('incompatible-persona', message, { hint })
}
