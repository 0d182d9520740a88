/** @file Opens an ONNX model that others exported: reads and checks the graph, plans the surgery, finds its data files, starts the engine. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, posix, sep } from 'node:path'
import { openForeignEngine } from '../engine/open-foreign-engine.ts'
import { errorAt, PalignError } from '../errors.ts'
import { checkExternalData, externalFiles } from '../formats/onnx-check.ts'
import type { OnnxFile } from '../formats/onnx-file.ts'
import { readOnnxModel } from '../formats/onnx-reader.ts'
import { foreignShape, seesAllTokens, withinGraph } from '../graph/foreign-config.ts'
import { planSurgery, type SurgeryPlan } from '../graph/onnx-plan.ts'
import type { TokenModel } from '../model/language-model.ts'
import type { ModelShape } from '../model/shape.ts'
import type { Device } from './device-names.ts'
import { fingerprintOf, readConfig } from './model-folder.ts'
import type { OnnxLocation } from './onnx-location.ts'
import { ortRuntime } from './ort-runtime.ts'
import { type OpenFile, openFile } from './read-file.ts'

export interface OpenOnnxOptions {
  readonly onnx: OnnxLocation
  readonly endTokens?: readonly number[] | undefined
  readonly contextLength?: number | undefined
  readonly threads?: number | undefined
  /** Only the CPU runs graphs of others: no other device has been compared with it on them. */
  readonly device: Device
}

export interface OpenedOnnx {
  readonly engine: TokenModel
  readonly fingerprint: string
}

/** @throws PalignError `not-found`, `malformed-file`, `unsupported-model`, `engine-failed` */
export async function openOnnx({ onnx, endTokens, contextLength, threads, device }: OpenOnnxOptions): Promise<OpenedOnnx> {
  if (device !== 'cpu') {
    throw new PalignError(
      'invalid-input',
      `device ${device} was asked of the ONNX file ${onnx.path}, which runs on the CPU only`,
      {
        hint: 'use the safetensors of the model there',
      },
    )
  }
  const { folder, path } = onnx
  // Stays open: the graph that gives z is made when something is first recorded.
  const source = await openFile(join(folder, path))
  try {
    const { data, ...planned } = await readPlanned(onnx, source, contextLength)
    const name = basename(path)
    const runtime = ortRuntime({ folder: dirname(join(folder, path)), files: [name, ...data], threads })
    const beside = posix.dirname(path)
    const files = [path, ...data.map((file) => posix.join(beside, file))].map((file) => ({ name: file }))
    const fingerprint = await fingerprintOf(folder, files)
    const engine = await openForeignEngine({ ...planned, source, runtime, weightsIn: name, endTokens })
    const dispose = () => engine.dispose().finally(() => source.close())
    return { engine: { ...engine, dispose }, fingerprint }
  } catch (error) {
    await source.close()
    throw error
  }
}

/** The plan of the surgery, for people to read. */
export async function describeOnnx(onnx: OnnxLocation): Promise<Record<string, unknown>> {
  const source = await openFile(join(onnx.folder, onnx.path))
  try {
    const { plan, data } = await readPlanned(onnx, source, undefined)
    const { inputs, caches, cacheType, pastLength, logits } = plan.interface
    return {
      file: onnx.path,
      data,
      inputs: inputs.map(({ name, role }) => ({ name, role })),
      cache: { tensors: caches.length, type: cacheType, fixedLength: pastLength },
      logits: logits.type,
      layers: plan.layers.map(({ layer, z, elementType, evidence }) => ({ layer, z, elementType, evidence })),
    }
  } finally {
    await source.close()
  }
}

interface Planned {
  readonly model: OnnxFile
  readonly plan: SurgeryPlan
  readonly shape: ModelShape
  readonly seesAllTokens: boolean
  /** Names of the files that hold its data, from the folder of the ONNX file. */
  readonly data: readonly string[]
}

async function readPlanned(
  { folder, path }: OnnxLocation,
  source: OpenFile,
  contextLength: number | undefined,
): Promise<Planned> {
  const json = await readConfig(folder)
  const config = foreignShape(json, { contextLength })
  try {
    const model = await readOnnxModel(source)
    const data = externalFiles(model)
    checkExternalData(model, await dataLengths(join(folder, path), data))
    const plan = planSurgery(model, config)
    const seesAll = seesAllTokens(json)
    return { model, plan, data, seesAllTokens: seesAll, shape: withinGraph(config, plan.interface.mostTokens, { contextLength }) }
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}

/** A link may lead to what came with the model: into its folder, or beside the file that the ONNX file itself is, as in the cache of Hugging Face. */
async function dataLengths(graph: string, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const roots = await Promise.all([realpath(dirname(graph)), realpath(graph).then(dirname)])
  const lengths = new Map<string, number>()
  for (const name of names) {
    const path = join(dirname(graph), name)
    const file = await openFile(path)
    await file.close()
    const target = await realpath(path)
    if (!roots.some((root) => target.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))) {
      throw new PalignError('malformed-file', `onnx data file ${name} is a link that leaves the folder of its model`, {
        hint: 'replace the link by the file if it belongs to the model',
      })
    }
    lengths.set(name, file.byteLength)
  }
  return lengths
}
