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
import { foreignSelfTest, untouchedLogits } from './foreign-self-test.ts'
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
}

/** Texts are scored and generated one after the other: the graph is as it came. @throws PalignError `engine-failed`, `non-finite` */
export async function openForeignEngine(options: OpenForeignEngineOptions): Promise<TokenModel> {
  const original = await openForeignDecoder(options, 'original')
  const untouched = await untouchedLogits(original).finally(() => original.dispose())
  const model = tokenModel(await openForeignDecoder(options, 'decode'), {
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

/** `original` is the graph as it came; `record` can also be steered. */
export async function openForeignDecoder(
  { source, model, plan, shape, runtime, weightsIn }: OpenForeignEngineOptions,
  variant: 'original' | Extract<GraphVariant, 'decode' | 'record'>,
): Promise<Decoder> {
  const edits =
    variant === 'original' ? {} : surgeryEdits({ model, plan, shape, displacement: 'input', record: variant === 'record' })
  const graph = await collectPieces(source, await editOnnxModel(source, model, { ...edits, weightsIn }))
  const session = await runtime.createSession(graph, variant === 'record' ? 'record' : 'decode').catch((cause: unknown) => {
    throw new PalignError('engine-failed', `session for the ${variant} onnx graph could not be opened`, {
      hint: 'see the cause; ONNX Runtime may lack an operator of the model, or memory be short',
      cause,
    })
  })
  return foreignDecoder({ session, Tensor: runtime.Tensor, shape, graph: plan.interface })
}
