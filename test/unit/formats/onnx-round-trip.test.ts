import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import { type OnnxGraph, writeOnnxModel } from '../../../src/formats/onnx.ts'
import { collectPieces, editOnnxModel } from '../../../src/formats/onnx-edit.ts'
import { readOnnxModel } from '../../../src/formats/onnx-reader.ts'
import { type ProtobufWriter, protobufMessage } from '../../../src/formats/protobuf.ts'
import { fieldReader, protobufFields, valueBytes } from '../../../src/formats/protobuf-reader.ts'
import { concatenate } from '../../../src/math/bytes.ts'

type Field =
  | { readonly kind: 'integer'; readonly number: number; readonly value: number }
  | { readonly kind: 'float'; readonly number: number; readonly value: number }
  | { readonly kind: 'bytes'; readonly number: number; readonly value: Uint8Array }

const number = fc.integer({ min: 1, max: 2 ** 29 - 1 })
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant('integer' as const), number, value: fc.maxSafeInteger() }),
  fc.record({ kind: fc.constant('float' as const), number, value: fc.float() }),
  fc.record({ kind: fc.constant('bytes' as const), number, value: fc.uint8Array({ maxLength: 300 }) }),
)

function write(message: ProtobufWriter, { kind, number: at, value }: Field): void {
  if (kind === 'bytes') message.bytes(at, value)
  else if (kind === 'float') message.float(at, value)
  else message.integer(at, value)
}

const writeAll = (fields: readonly Field[]) =>
  protobufMessage((message) => {
    for (const one of fields) write(message, one)
  })

/** Fields that onnx.proto3 does not have. */
const unknown = fc
  .array(field, { maxLength: 4 })
  .map((fields) => writeAll(fields.map((one) => ({ ...one, number: 1000 + (one.number % 1000) }))))

describe('protobuf messages, read', () => {
  it('are the fields that were written, each in its place, from memory and from a file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 20 }), async (fields) => {
        const bytes = writeAll(fields)
        const read = protobufFields({ bytes, offset: 7 })
        expect(read.map((one) => one.number)).toEqual(fields.map((one) => one.number))
        const parts = read.map(({ start, end }) => bytes.subarray(start - 7, end - 7))
        expect(concatenate(parts)).toEqual(bytes)
        fields.forEach((one, i) => {
          if (one.kind === 'bytes') expect(valueBytes({ bytes, offset: 7 }, read[i]!)).toEqual(one.value)
        })
        const walked: number[] = []
        await fieldReader(bytesSource(bytes)).walk(0, bytes.length, ({ start }) => void walked.push(start + 7))
        expect(walked).toEqual(read.map(({ start }) => start))
      }),
    )
  })
})

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{3,8}$/), { minLength: 6, maxLength: 12 })

/** A chain of additions over named values. */
const graph: fc.Arbitrary<OnnxGraph> = names.map(([x, w, ...rest]) => ({
  nodes: rest.map((output, i) => ({
    operator: 'Add',
    domain: '',
    name: `n${i}`,
    inputs: [i === 0 ? x! : rest[i - 1]!, w!],
    outputs: [output],
    attributes: {},
  })),
  tensors: [{ name: w!, type: 'float32', shape: [2], content: { kind: 'inline', bytes: new Uint8Array(8).fill(3) } }],
  inputs: [{ name: x!, type: 'float32', shape: [2, 'rows'] }],
  outputs: [{ name: rest.at(-1)!, type: 'float32', shape: [2] }],
}))

const inSource = async (bytes: Uint8Array) => ({ source: bytesSource(bytes), model: await readOnnxModel(bytesSource(bytes)) })

describe('ONNX models, read and written', () => {
  it('are the graph that was written, and the same bytes where nothing is edited', async () => {
    await fc.assert(
      fc.asyncProperty(graph, unknown, async (written, tail) => {
        const bytes = concatenate([writeOnnxModel(written), tail])
        const { source, model } = await inSource(bytes)
        expect(model.graph.nodes.map(({ inputs, outputs, operator, name }) => ({ inputs, outputs, operator, name }))).toEqual(
          written.nodes.map(({ inputs, outputs, operator, name }) => ({ inputs, outputs, operator, name })),
        )
        expect(model.graph.inputs[0]).toEqual({ name: written.inputs[0]!.name, elementType: 1, shape: [2, 'rows'] })
        const pieces = await editOnnxModel(source, model)
        expect(pieces).toEqual([{ kind: 'kept', start: 0, end: bytes.length }])
      }),
    )
  })

  it('keep what nobody knows where a node is edited: everything but that node is the same', async () => {
    await fc.assert(
      fc.asyncProperty(graph, unknown, unknown, async (written, inNode, tail) => {
        const first = writeOnnxModel(written)
        // Fields of a later version at the end of the model, and in the node that is edited.
        const grown = concatenate([withUnknownInFirstNode(first, inNode), tail])
        const { source, model } = await inSource(grown)
        const [node] = model.graph.nodes as [(typeof model.graph.nodes)[0]]
        const x = written.inputs[0]!.name
        const there = await editOnnxModel(source, model, {
          rewire: new Map([[node, new Map([[x, 'OTHER']])]]),
          added: { inputs: [{ name: 'OTHER', type: 'float32', shape: [2] }] },
        })
        const edited = await collectPieces(source, there)
        const again = await inSource(edited)
        expect(again.model.graph.nodes[0]!.inputs).toEqual(['OTHER', written.nodes[0]!.inputs[1]])
        const back = await editOnnxModel(again.source, again.model, {
          rewire: new Map([[again.model.graph.nodes[0]!, new Map([['OTHER', x]])]]),
        })
        const restored = await collectPieces(again.source, back)
        const { model: last } = await inSource(restored)
        const of = (bytes: Uint8Array, { start, end }: { start: number; end: number }) =>
          Buffer.from(bytes.subarray(start, end)).toString('hex')
        expect(last.graph.nodes.map(({ span }) => of(restored, span))).toEqual(
          model.graph.nodes.map(({ span }) => of(grown, span)),
        )
        expect(of(restored, { start: last.graphSpan.end, end: restored.length })).toBe(
          of(grown, { start: model.graphSpan.end, end: grown.length }),
        )
      }),
    )
  })
})

function withUnknownInFirstNode(bytes: Uint8Array, extra: Uint8Array): Uint8Array {
  const splice = (placed: Uint8Array, at: number, change: (inner: Uint8Array) => Uint8Array) => {
    let done = false
    return concatenate(
      protobufFields({ bytes: placed, offset: 0 }).map((one) => {
        if (one.number !== at || done) return placed.subarray(one.start, one.end)
        done = true
        return protobufMessage((message) => message.bytes(at, change(placed.subarray(one.valueStart, one.end))))
      }),
    )
  }
  return splice(bytes, 7, (inner) => splice(inner, 1, (node) => concatenate([node, extra])))
}
