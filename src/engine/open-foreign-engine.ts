/** @file From an ONNX file that others exported to a model that has proved that it can be steered. */
import { PalignError } from '../errors.ts'
import type { ByteSource } from '../formats/byte-source.ts'
import { collectPieces, editOnnxModel } from '../formats/onnx-edit.ts'
import type { OnnxFile } from '../formats/onnx-file.ts'
import type { SurgeryPlan } from '../graph/onnx-plan.ts'
import { surgeryEdits } from '../graph/onnx-surgery.ts'
import type { TokenModel } from '../model/language-model.ts'
import type { ModelShape } from '../model/shape.ts'
import type { Decoder } from './decoder.ts'
import { foreignDecoder } from './foreign-decoder.ts'
import { continuesAlike, foreignSelfTest, untouchedLogits } from './foreign-self-test.ts'
import type { GraphVariant, Runtime } from './open-engine.ts'
import { tokenModel } from './token-model.ts'

export interface OpenForeignEngineOptions {
  readonly source: ByteSource
  readonly model: OnnxFile
  readonly plan: SurgeryPlan
  readonly shape: ModelShape
  readonly runtime: Runtime
  /** Name under which sessions find the file itself, for the weights inside it. */
  readonly weightsIn: string
  readonly endTokens?: readonly number[] | undefined
  /** Whether a token sees all before it (`graph/foreign-config.ts`): only then may its cache have hidden places; default false. */
  readonly seesAllTokens?: boolean | undefined
}

/** Texts are scored and generated one after the other: the graph is as it came. @throws PalignError `engine-failed`, `non-finite` */
export async function openForeignEngine(options: OpenForeignEngineOptions): Promise<TokenModel> {
  const original = await openForeignDecoder(options, 'original')
  const untouched = await untouchedLogits(original).finally(() => original.dispose())
  const decoder = await openForeignDecoder(options, 'decode')
  const model = tokenModel((await openKeeping(options, decoder)) ?? decoder, {
    endTokens: options.endTokens,
    openRecorder: () => openForeignDecoder(options, 'record'),
  })
  try {
    await foreignSelfTest(model, untouched)
    return model
  } catch (error) {
    await model.dispose()
    throw error
  }
}

/** The same graph without a copy of its past for every token, in place of `decoder`; undefined where it cannot do that, which it is asked. */
async function openKeeping(options: OpenForeignEngineOptions, decoder: Decoder): Promise<Decoder | undefined> {
  if (options.seesAllTokens !== true || !options.plan.interface.canKeepCache) return undefined
  const keeping = await openForeignDecoder(options, 'decode', { keepsCache: true })
  const agrees = await continuesAlike(decoder, keeping)
  await (agrees ? decoder : keeping).dispose()
  return agrees ? keeping : undefined
}

/** `original` is the graph as it came; `record` can also be steered. */
export async function openForeignDecoder(
  { source, model, plan, shape, runtime, weightsIn }: OpenForeignEngineOptions,
  variant: 'original' | Extract<GraphVariant, 'decode' | 'record'>,
  { keepsCache = false }: { readonly keepsCache?: boolean } = {},
): Promise<Decoder> {
  const edits =
    variant === 'original'
      ? {}
      : surgeryEdits({ model, plan, shape, displacement: 'input', record: variant === 'record', keepsCache })
  const graph = await collectPieces(source, await editOnnxModel(source, model, { ...edits, weightsIn }))
  const session = await runtime.createSession(graph, variant === 'record' ? 'record' : 'decode').catch((cause: unknown) => {
    throw new PalignError('engine-failed', `session for the ${variant} onnx graph could not be opened`, {
      hint: 'see the cause; ONNX Runtime may lack an operator of the model, or memory be short',
      cause,
    })
  })
  return foreignDecoder({ session, Tensor: runtime.Tensor, shape, graph: plan.interface, keepsCache })
}
