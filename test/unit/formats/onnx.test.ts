import { describe, expect, it } from 'vitest'
import { writeOnnxModel } from '../../../src/formats/onnx.ts'

const withFile = (file: string) => ({
  nodes: [],
  inputs: [],
  outputs: [],
  tensors: [{ name: 'w', type: 'float32', shape: [1], content: { kind: 'external', file, offset: 0, byteLength: 4 } } as const],
})

describe('writeOnnxModel', () => {
  it('refers to weight files by plain names', () => {
    const text = Buffer.from(writeOnnxModel(withFile('model-00001-of-00002.safetensors'))).toString('latin1')
    expect(text).toContain('model-00001-of-00002.safetensors')
  })

  it.each(['../w', '/w', 'a/b', 'a\\b', 'C:w', '..', '.hidden', 'w\0', ''])('refuses the weight file name %j', (file) => {
    expect(() => writeOnnxModel(withFile(file))).toThrow('is not a plain file name')
  })
})
