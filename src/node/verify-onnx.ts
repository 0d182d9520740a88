/** @file Exported ONNX folders in the programs they are for: onnxruntime-node directly, and transformers.js where it is installed. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Distributions, Probe } from '../export/verification.ts'
import { ATTENTION_MASK, POSITION_IDS } from '../graph/exported-llama.ts'
import { CACHE_PARTS, INPUT_IDS, LOGITS, pastName, presentName } from '../graph/names.ts'
import { logSoftmax } from '../math/log-softmax.ts'
import type { ModelShape } from '../model/shape.ts'
import type { OpenedExport, OpenedExports } from './export-target.ts'

export async function openOnnxExport(folder: string, shape: ModelShape): Promise<OpenedExports> {
  const runtime = await openRuntime(folder, shape)
  const library = await openTransformers(folder).catch(async (error) => {
    await runtime.dispose()
    throw error
  })
  return library === undefined
    ? { opened: [runtime], missing: ['@huggingface/transformers is not installed: npm install @huggingface/transformers'] }
    : { opened: [runtime, library], missing: [] }
}

const LOG_ERRORS_ONLY = 3

async function openRuntime(folder: string, shape: ModelShape): Promise<OpenedExport> {
  const session = await InferenceSession.create(join(folder, 'onnx', 'model.onnx'), {
    executionProviders: ['cpu'],
    logSeverityLevel: LOG_ERRORS_ONLY,
  })
  const names = Array.from({ length: shape.layers }, (_, layer) => CACHE_PARTS.map((part) => ({ layer, part }))).flat()
  type Cache = ReadonlyMap<string, Tensor>
  const empty: Cache = new Map(
    names.map(({ layer, part }) => [
      pastName(layer, part),
      new Tensor('float32', new Float32Array(0), [1, shape.kvHeads, 0, shape.headDim]),
    ]),
  )
  const run = async (tokens: readonly number[], past: number, cache: Cache) => {
    const ids = (values: readonly number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
    const outputs = await session.run({
      [INPUT_IDS]: ids(tokens),
      [ATTENTION_MASK]: ids(Array.from({ length: past + tokens.length }, () => 1)),
      [POSITION_IDS]: ids(tokens.map((_, i) => past + i)),
      ...Object.fromEntries(cache),
    })
    const present: Cache = new Map(
      names.map(({ layer, part }) => [pastName(layer, part), outputs[presentName(layer, part)] as Tensor]),
    )
    return { logits: outputs[LOGITS]!.data as Float32Array, present }
  }
  return {
    program: `onnxruntime-node ${await versionOf('onnxruntime-node')}`,
    async distributions(probes) {
      const all: Float64Array[][] = []
      for (const { tokens, places } of probes) {
        // In two calls, so that the cache is tried as well.
        const cut = places[0]! + 1
        const first = await run(tokens.slice(0, cut), 0, empty)
        const rest = cut < tokens.length ? await run(tokens.slice(cut), cut, first.present) : undefined
        all.push(
          places.map((place) => {
            const [logits, row] = place < cut ? [first.logits, place] : [rest!.logits, place - cut]
            return logSoftmax(logits.subarray(row * shape.vocabSize, (row + 1) * shape.vocabSize))
          }),
        )
      }
      return all
    },
    dispose: () => session.release(),
  }
}

/** The part of transformers.js that is used here; it is no dependency of the package. */
interface Transformers {
  readonly env: { version: string; allowRemoteModels: boolean; allowLocalModels: boolean; localModelPath: string }
  readonly AutoTokenizer: { from_pretrained(name: string): Promise<{ encode(text: string): number[] }> }
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: object): Promise<LibraryModel>
  }
  readonly Tensor: new (type: string, data: BigInt64Array, dims: number[]) => object
}
interface LibraryModel {
  (inputs: object): Promise<{ logits: { data: Float32Array; dims: number[] } }>
  dispose(): Promise<unknown>
}

async function openTransformers(folder: string): Promise<OpenedExport | undefined> {
  const found: Promise<unknown> = import('@huggingface/transformers')
  const library = (await found.catch(() => undefined)) as Transformers | undefined
  if (library === undefined) return undefined
  const { env, AutoTokenizer, AutoModelForCausalLM, Tensor: LibraryTensor } = library
  const before = { ...env }
  const path = resolve(folder)
  Object.assign(env, { allowRemoteModels: false, allowLocalModels: true, localModelPath: `${dirname(path)}/` })
  try {
    const tokenizer = await AutoTokenizer.from_pretrained(basename(path))
    const model = await AutoModelForCausalLM.from_pretrained(basename(path), { device: 'cpu' })
    const distribute = async ({ tokens, places }: Probe) => {
      const ids = (values: readonly number[]) =>
        new LibraryTensor('int64', BigInt64Array.from(values, BigInt), [1, values.length])
      const { logits } = await model({ [INPUT_IDS]: ids(tokens), [ATTENTION_MASK]: ids(tokens.map(() => 1)) })
      const vocabulary = logits.dims.at(-1)!
      return places.map((place) => logSoftmax(logits.data.subarray(place * vocabulary, (place + 1) * vocabulary)))
    }
    return {
      program: `transformers.js ${env.version}`,
      async distributions(probes): Promise<Distributions> {
        const all: Float64Array[][] = []
        for (const probe of probes) all.push(await distribute(probe))
        return all
      },
      encode: (text) => tokenizer.encode(text),
      dispose: async () => {
        await model.dispose()
      },
    }
  } finally {
    Object.assign(env, {
      allowRemoteModels: before.allowRemoteModels,
      allowLocalModels: before.allowLocalModels,
      localModelPath: before.localModelPath,
    })
  }
}

async function versionOf(name: string): Promise<string> {
  const path = new URL(`${import.meta.resolve(name).split(`/${name}/`)[0]}/${name}/package.json`)
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
}
