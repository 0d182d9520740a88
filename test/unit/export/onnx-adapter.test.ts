import { describe, expect, it } from 'vitest'
import { writeOnnxAdapter } from '../../../src/export/onnx-adapter.ts'
import { decodeOnnxAdapter } from '../../../src/formats/onnx-adapter.ts'
import { vectorSource } from '../../fixtures/vector-source.ts'

describe('writeOnnxAdapter', () => {
  it('holds the displacement as the graph’s input takes it', () => {
    const source = vectorSource()
    const [file] = writeOnnxAdapter(source)
    expect(file!.name).toBe('ada.onnx_adapter')
    expect(decodeOnnxAdapter(file!.bytes).parameters).toEqual([
      { name: 'displacement', dims: [1, 4, 24], data: source.displacement },
    ])
  })
})
