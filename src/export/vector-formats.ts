/** @file The files that carry a persona as vectors: what `palign export` offers, and what it says of those that it does not write. */
import { PalignError } from '../errors.ts'
import { controlVectorShift, writeControlVector } from './control-vector.ts'
import { type ExportFile, textFile, type VectorSource } from './export-file.ts'
import { writeLmEval } from './lm-eval.ts'
import { neuronpediaShift, writeNeuronpedia } from './neuronpedia.ts'
import { writeOnnxAdapter } from './onnx-adapter.ts'
import type { ResidualShift } from './residual-shift.ts'
import { writeSvec } from './svec.ts'

export interface VectorFormat {
  /** Of the first file. */
  readonly extension: string
  /** Approximate ones act elsewhere in the model than the persona does. */
  readonly carries: 'exact' | 'approximate'
  /** For a list of formats: what it is, and where it acts. */
  readonly what: string
  write(source: VectorSource): ExportFile[] | Promise<ExportFile[]>
  /** What an approximate one does in the place of the displacement, so that the error can be measured. */
  readonly stands?: ((source: VectorSource) => Promise<ResidualShift>) | undefined
}

export const VECTOR_FORMATS = {
  svec: {
    extension: '.svec',
    carries: 'exact',
    what: 'head-level vectors of AISteer360 (JSON): sigma times direction of each head at the input of o_proj, to be applied with the strength alpha',
    write: writeSvec,
  },
  'lm-eval': {
    extension: '.lm-eval.json',
    carries: 'exact',
    what: 'steered models of lm-evaluation-harness (JSON and safetensors): W_o d at the output of o_proj',
    write: writeLmEval,
  },
  'onnx-adapter': {
    extension: '.onnx_adapter',
    carries: 'exact',
    what: 'adapter of ONNX Runtime: the input named displacement of a steered graph',
    write: writeOnnxAdapter,
  },
  'control-vector': {
    extension: '.control-vector.gguf',
    carries: 'approximate',
    what: 'control vector of llama.cpp and repeng (GGUF): W_o d added after each block and not inside it',
    write: writeControlVector,
    stands: controlVectorShift,
  },
  neuronpedia: {
    extension: '.neuronpedia.json',
    carries: 'approximate',
    what: 'vectors of Neuronpedia (JSON): W_o d added before the next block and not inside its own',
    write: writeNeuronpedia,
    stands: neuronpediaShift,
  },
} as const satisfies Readonly<Record<string, VectorFormat>>

export type VectorFormatName = keyof typeof VECTOR_FORMATS

/** Formats that could only carry something else than the persona, and why. */
export const REFUSED_FORMATS: Readonly<Record<string, string>> = {
  easysteer: 'its vectors act on the stream after a block only; a persona acts on z, inside of it',
  pt: 'pickled files run code when they are read; palign neither writes nor reads them',
}

export function isVectorFormat(name: string): name is VectorFormatName {
  return Object.hasOwn(VECTOR_FORMATS, name)
}

/**
 * The files of one format; after them the persona's prompt, where it has one, since no vector carries that.
 * @throws PalignError `invalid-input` for a format that is not written, with the reason
 */
export async function writeVectors(format: string, source: VectorSource): Promise<ExportFile[]> {
  if (!isVectorFormat(format)) {
    const reason = Object.hasOwn(REFUSED_FORMATS, format) ? `is not written: ${REFUSED_FORMATS[format]}` : 'is unknown'
    throw new PalignError('invalid-input', `vector format ${format.slice(0, 64)} ${reason}`, {
      hint: `formats are ${Object.keys(VECTOR_FORMATS).join(', ')}`,
    })
  }
  const files = await VECTOR_FORMATS[format].write(source)
  const { name, persona } = source
  return persona.kind === 'prompt+steering' ? [...files, textFile(`${name}.system.txt`, persona.system)] : files
}
