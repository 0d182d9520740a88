/** @file Opens exported ONNX files on onnxruntime-node in the test thread. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import type { Decoder } from '../../src/engine/decoder.ts'
import type { Runtime } from '../../src/engine/open-engine.ts'
import { type OpenForeignEngineOptions, openForeignDecoder } from '../../src/engine/open-foreign-engine.ts'
import { bytesSource } from '../../src/formats/byte-source.ts'
import { readOnnxModel } from '../../src/formats/onnx-reader.ts'
import { foreignShape } from '../../src/graph/foreign-config.ts'
import { planSurgery } from '../../src/graph/onnx-plan.ts'
import type { ExportedModel } from '../fixtures/exported-graph.ts'
import type { RandomModel } from '../fixtures/random-model.ts'

/** Int8 weights behind DequantizeLinear are multiplied with floats, as the file says, and not with inputs that the runtime quantises for speed. */
const SESSION: ort.InferenceSession.SessionOptions = {
  logSeverityLevel: 3,
  intraOpNumThreads: 1,
  extra: { session: { qdq_matmulnbits_accuracy_level: '1' } },
}

export interface Exported extends OpenForeignEngineOptions {
  /** Removes the folder the files lie in. */
  close(): void
}

/** A folder with the files, in which sessions are opened. */
export async function readExported({ json }: Pick<RandomModel, 'json'>, { name, files }: ExportedModel): Promise<Exported> {
  const folder = mkdtempSync(join(tmpdir(), 'palign-test-'))
  for (const [file, bytes] of files) writeFileSync(join(folder, file), bytes)
  let count = 0
  const runtime: Runtime = {
    Tensor: ort.Tensor,
    createSession(graph) {
      const path = join(folder, `session-${count++}.onnx`)
      writeFileSync(path, graph)
      return ort.InferenceSession.create(path, SESSION)
    },
  }
  const source = bytesSource(files.get(name)!)
  const model = await readOnnxModel(source)
  const shape = foreignShape(json)
  return {
    source,
    model,
    shape,
    plan: planSurgery(model, shape),
    runtime,
    weightsIn: name,
    close: () => rmSync(folder, { recursive: true }),
  }
}

/** A decoder that is steered and can record. */
export async function openExported(
  random: Pick<RandomModel, 'json'>,
  exported: ExportedModel,
  options: { readonly keepsCache?: boolean } = {},
): Promise<{ readonly decoder: Decoder; readonly close: () => void }> {
  const opened = await readExported(random, exported)
  return { decoder: await openForeignDecoder(opened, 'record', options), close: opened.close }
}
