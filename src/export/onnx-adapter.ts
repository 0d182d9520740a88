/**
 * @file A persona as an `.onnx_adapter`: what a steered graph takes as its input `displacement`, `[1, layers, heads * headDim]`. Programs on ONNX Runtime
 * in C, C#, Python or Rust set it active for a run; in JavaScript nothing loads these files, there the input is fed.
 */
import { encodeOnnxAdapter } from '../formats/onnx-adapter.ts'
import { DISPLACEMENT } from '../graph/names.ts'
import { zWidth } from '../model/shape.ts'
import { assertVectorSource, type ExportFile, type VectorSource } from './export-file.ts'

/** Free numbers of the format that ONNX Runtime does not look at. */
const VERSIONS = { adapterVersion: 1, modelVersion: 1 }

export function writeOnnxAdapter(source: VectorSource): ExportFile[] {
  assertVectorSource(source)
  const { name, displacement, shape } = source
  const parameter = { name: DISPLACEMENT, dims: [1, shape.layers, zWidth(shape)], data: displacement }
  return [{ name: `${name}.onnx_adapter`, bytes: encodeOnnxAdapter({ ...VERSIONS, parameters: [parameter] }) }]
}
