import { describe, expect, it } from 'vitest'
import { assertDevice, type Backend, DEVICE_NEEDS, graphsOf, sessionOptionsOf } from '../../src/node/devices.ts'

const LINUX: readonly Backend[] = [
  { name: 'cpu', bundled: true },
  { name: 'webgpu', bundled: true },
  { name: 'cuda', bundled: false },
  { name: 'tensorrt', bundled: false },
]

describe('a device', () => {
  it.each(['cpu', 'webgpu', 'cuda'])('%s is taken where ONNX Runtime has it', (device) => {
    expect(() => assertDevice(device, LINUX)).not.toThrow()
  })

  it('that ONNX Runtime does not have here is refused with those there are and what it needs', () => {
    expect(() => assertDevice('coreml', LINUX)).toThrow(
      expect.objectContaining({
        code: 'invalid-input',
        message: expect.stringMatching(/^device coreml is not offered .* which has cpu, webgpu, cuda with libraries of its own$/),
        hint: DEVICE_NEEDS.coreml,
      }),
    )
  })

  it.each(['tensorrt', 'gpu', ''])('of the name %j is refused', (device) => {
    expect(() => assertDevice(device, LINUX)).toThrow(`device is ${device}, expected one of cpu, webgpu, cuda, coreml, dml`)
  })

  it('other than the CPU gets plain graphs, and is asked for by its name alone', () => {
    expect(graphsOf('cpu')).toBe('fused')
    expect(graphsOf('webgpu')).toBe('plain')
    expect(sessionOptionsOf('webgpu')).toEqual({ executionProviders: ['webgpu'] })
    expect(sessionOptionsOf('dml')).toMatchObject({ executionProviders: ['dml'], enableMemPattern: false })
  })
})
