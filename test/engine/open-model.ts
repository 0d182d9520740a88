/** @file Opens models on onnxruntime-node in the test thread: random ones from memory, Hugging Face folders from disk. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { adaptableDecoder } from '../../src/engine/adaptable-decoder.ts'
import type { Decoder } from '../../src/engine/decoder.ts'
import type { Runtime } from '../../src/engine/open-engine.ts'
import { ortDecoder } from '../../src/engine/ort-decoder.ts'
import { type ReferenceModel, referenceDecoder } from '../../src/engine/reference-model.ts'
import { ortRowDecoder, type RowDecoder } from '../../src/engine/row-decoder.ts'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { readFloats } from '../../src/formats/float-tensor.ts'
import { dequantiseMatrix } from '../../src/formats/quantised-matrix.ts'
import { readSafetensorsHeader } from '../../src/formats/safetensors.ts'
import type { AttentionKind } from '../../src/graph/attention.ts'
import { llamaGraph } from '../../src/graph/llama.ts'
import { type LlamaConfig, modelShape, parseLlamaConfig } from '../../src/graph/llama-config.ts'
import type { ProductKind } from '../../src/graph/products.ts'
import { linearModules, locateWeights, type WeightFile } from '../../src/graph/weights.ts'
import type { LinearLayer } from '../../src/model/adapter.ts'

export interface ModelFiles {
  readonly config: LlamaConfig
  /** File name -> bytes. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

export function readModelFolder(folder: string): ModelFiles {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'))
  return {
    config: parseLlamaConfig(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))),
    files: new Map(names.map((name) => [name, readFileSync(join(folder, name))])),
  }
}

export async function readHeaders({ files }: ModelFiles): Promise<WeightFile[]> {
  return Promise.all([...files].map(async ([name, bytes]) => ({ name, header: await readSafetensorsHeader(bytesSource(bytes)) })))
}

export async function openReference(
  model: ModelFiles,
  { residualShift }: Pick<ReferenceModel, 'residualShift'> = {},
): Promise<Decoder> {
  const tensors = new Map<string, Float32Array>()
  for (const { name: file, header } of await readHeaders(model)) {
    const source = bytesSource(model.files.get(file)!)
    for (const entry of header.tensors) {
      if (entry.dtype !== 'U8') tensors.set(entry.name, await readFloats(source, entry))
    }
  }
  for (const weight of locateWeights(model.config, await readHeaders(model)).values()) {
    if (weight.kind !== 'blocks') continue
    const { file, begin, end } = weight.numbers
    const numbers = await bytesSource(model.files.get(file)!).slice(begin, end)
    tensors.set(weight.name, dequantiseMatrix({ bits: weight.bits, numbers, scale: tensors.get(weight.scale.name)! }))
  }
  return referenceDecoder({ config: model.config, tensor: (name) => tensors.get(name)!, residualShift })
}

export interface OrtRuntime extends Runtime {
  /** Removes the folder the graphs and weights lie in. */
  close(): void
}

/** A runtime whose graphs lie in a temporary folder with copies of the weight files. */
export function nodeRuntime({ files }: ModelFiles, options: ort.InferenceSession.SessionOptions = {}): OrtRuntime {
  const folder = mkdtempSync(join(tmpdir(), 'palign-test-'))
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
  return {
    Tensor: ort.Tensor,
    createSession(graph, variant) {
      const path = join(folder, `${variant}.onnx`)
      writeFileSync(path, graph)
      return ort.InferenceSession.create(path, { logSeverityLevel: 3, ...options })
    },
    close: () => rmSync(folder, { recursive: true }),
  }
}

export interface DecoderOptions {
  readonly attention?: AttentionKind
  readonly products?: ProductKind
  readonly steering?: boolean
  readonly record?: boolean
}

/** `record` defaults to true, so that the decoder can do everything; adapters get sessions of their own. */
export async function openDecoder(
  model: ModelFiles,
  { createSession, Tensor }: Runtime,
  { record = true, ...options }: DecoderOptions = {},
): Promise<Decoder> {
  const { config } = model
  const shape = modelShape(config)
  const weights = locateWeights(config, await readHeaders(model))
  const modules = linearModules(config)
  const open = async (adapt: readonly LinearLayer[] = []) => {
    const graph = llamaGraph({ config, shape, weights, record, adapt, ...options })
    return ortDecoder({ session: await createSession(graph, record ? 'record' : 'decode'), Tensor, shape, modules })
  }
  return adaptableDecoder({ plain: await open(), modules, openAdapted: open })
}

export async function openRowDecoder(model: ModelFiles, { createSession, Tensor }: Runtime): Promise<RowDecoder> {
  const { config } = model
  const shape = modelShape(config)
  const weights = locateWeights(config, await readHeaders(model))
  const graph = llamaGraph({ config, shape, weights, attention: 'shared-past' })
  return ortRowDecoder({ session: await createSession(graph, 'rows'), Tensor, shape })
}
