import { describe, expect, it } from 'vitest'
import { protobufMessage } from '../../../src/formats/protobuf.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

// Expected bytes are worked out by hand from the wire format: tag = field * 8 + wire type.
describe('protobuf messages', () => {
  it.each([
    [0, '0800'],
    [150, '089601'],
    [2 ** 40, '08808080808020'],
    [-1, '08ffffffffffffffffff01'],
  ])('hold the integer %d as a varint', (value, expected) => {
    expect(hex(protobufMessage((message) => message.integer(1, value)))).toBe(expected)
  })

  it('hold floats in four little-endian bytes', () => {
    expect(hex(protobufMessage((message) => message.float(2, 1)))).toBe('150000803f')
  })

  it('hold text and inner messages behind their length', () => {
    const bytes = protobufMessage((message) => {
      message.text(1, 'né')
      message.message(20, (inner) => inner.integer(1, 1))
    })
    expect(hex(bytes)).toBe('0a036ec3a9a201020801')
  })
})
