/**
 * @file `.onnx_adapter`: named tensors that ONNX Runtime feeds to inputs of a model, in a FlatBuffer with the identifier TORT.
 *
 *     Adapter    0 format_version, 1 adapter_version, 2 model_version: int32; 3 parameters: [Parameter]
 *     Parameter  0 name: string; 1 dims: [int64]; 2 data_type: int32, ONNX's number; 3 raw_data: [uint8], at a multiple of 8
 *
 * A FlatBuffer refers by offsets from where they stand: a vector or table lies ahead of the offset, a table's list of fields (its
 * vtable) as far before or behind it as its first four bytes say.
 */
import { Builder } from 'flatbuffers'
import { PalignError } from '../errors.ts'

/** Those of float32 only: nothing else is fed to our graphs. */
const FLOAT = 1
const IDENTIFIER = 'TORT'
/** The only one that ONNX Runtime knows. */
const FORMAT_VERSION = 1

export interface OnnxAdapterTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array
}

export interface OnnxAdapter {
  readonly adapterVersion: number
  readonly modelVersion: number
  readonly parameters: readonly OnnxAdapterTensor[]
}

export function encodeOnnxAdapter({ adapterVersion, modelVersion, parameters }: OnnxAdapter): Uint8Array {
  const builder = new Builder(1024)
  const tables = parameters.map((parameter) => {
    checkDims(parameter)
    return parameterTable(builder, parameter)
  })
  builder.startVector(4, tables.length, 4)
  for (const table of tables.toReversed()) builder.addOffset(table)
  const list = builder.endVector()
  builder.startObject(4)
  builder.addFieldInt32(0, FORMAT_VERSION, 0)
  builder.addFieldInt32(1, adapterVersion, 0)
  builder.addFieldInt32(2, modelVersion, 0)
  builder.addFieldOffset(3, list, 0)
  builder.finish(builder.endObject(), IDENTIFIER)
  return builder.asUint8Array().slice()
}

function parameterTable(builder: Builder, { name, dims, data }: OnnxAdapterTensor): number {
  const text = builder.createString(name)
  builder.startVector(8, dims.length, 8)
  for (const size of dims.toReversed()) builder.addInt64(BigInt(size))
  const shape = builder.endVector()
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  builder.startVector(1, bytes.length, 8)
  for (let i = bytes.length - 1; i >= 0; i--) builder.addInt8(bytes[i]!)
  const raw = builder.endVector()
  builder.startObject(4)
  builder.addFieldOffset(0, text, 0)
  builder.addFieldOffset(1, shape, 0)
  builder.addFieldInt32(2, FLOAT, 0)
  builder.addFieldOffset(3, raw, 0)
  return builder.endObject()
}

function checkDims({ name, dims, data }: OnnxAdapterTensor): void {
  const size = dims.reduce((product, count) => product * count, 1)
  if (size === data.length && dims.every((count) => Number.isInteger(count) && count >= 0)) return
  throw new PalignError('invalid-input', `adapter tensor ${name} has ${data.length} numbers, expected ${size} for [${dims}]`)
}

const LIMITS = { parameters: 65_536, nameBytes: 4096, rank: 8 }

/**
 * Every offset is checked before it is followed, and every length before anything is allocated.
 * @throws PalignError `malformed-file` for bytes that are no adapter, or one of other numbers than float32
 */
export function decodeOnnxAdapter(bytes: Uint8Array): OnnxAdapter {
  const reader = flatReader(bytes)
  if (reader.identifier !== IDENTIFIER) refuse(`identifier is not ${IDENTIFIER}`)
  const adapter = reader.table(reader.follow(0))
  const version = adapter.int32(0)
  if (version !== FORMAT_VERSION) refuse(`format version is ${version}, expected ${FORMAT_VERSION}`)
  const list = adapter.vector(3, 4, LIMITS.parameters)
  const parameters = Array.from({ length: list.length }, (_, i) => {
    const parameter = reader.table(reader.follow(list.begin + 4 * i))
    const type = parameter.int32(2)
    if (type !== FLOAT) refuse(`tensor ${i} is of type ${type}, expected ${FLOAT}, float32`)
    const name = parameter.vector(0, 1, LIMITS.nameBytes)
    const dims = parameter.vector(1, 8, LIMITS.rank)
    const raw = parameter.vector(3, 1, bytes.length)
    const sizes = Array.from({ length: dims.length }, (_, at) => reader.int64(dims.begin + 8 * at))
    if (raw.begin % 8 !== 0) refuse(`tensor ${i} begins at byte ${raw.begin}, expected a multiple of 8`)
    if (sizes.some((size) => size < 0n)) refuse(`tensor ${i} has a negative size`)
    const expected = 4n * sizes.reduce((product, size) => product * size, 1n)
    if (expected !== BigInt(raw.length)) refuse(`tensor ${i} takes ${expected} bytes by its sizes, ${raw.length} are there`)
    return {
      name: reader.text(name),
      // Not above the bytes that are there, or zero times anything: below 2^53 unless another is 0.
      dims: sizes.map(Number),
      data: new Float32Array(bytes.slice(raw.begin, raw.begin + raw.length).buffer),
    }
  })
  return { adapterVersion: adapter.int32(1), modelVersion: adapter.int32(2), parameters }
}

interface Range {
  readonly begin: number
  readonly length: number
}

function flatReader(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const within = (at: number, length: number) => {
    if (at < 0 || at + length > bytes.length) refuse(`file of ${bytes.length} bytes ends before byte ${at + length}`)
    return at
  }
  const uint32 = (at: number) => view.getUint32(within(at, 4), true)
  const uint16 = (at: number) => view.getUint16(within(at, 2), true)
  /** Where the offset that stands at `at` leads. */
  const follow = (at: number) => {
    const target = at + uint32(at)
    if (target === at) refuse(`offset at byte ${at} is 0`)
    return within(target, 4)
  }
  const text = ({ begin, length }: Range) => {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(begin, begin + length))
    } catch {
      return refuse(`name at byte ${begin} is not valid UTF-8`)
    }
  }
  const table = (at: number) => {
    const vtable = at - view.getInt32(within(at, 4), true)
    const vtableBytes = uint16(vtable)
    if (vtableBytes < 4 || vtableBytes % 2 !== 0) refuse(`vtable at byte ${vtable} is ${vtableBytes} bytes long`)
    within(vtable, vtableBytes)
    const tableBytes = uint16(vtable + 2)
    within(at, tableBytes)
    /** Where field `index` stands; undefined where the table has none. */
    const field = (index: number, size: number) => {
      const slot = 4 + 2 * index
      const offset = slot + 2 <= vtableBytes ? uint16(vtable + slot) : 0
      if (offset === 0) return undefined
      if (offset < 4 || offset + size > tableBytes) refuse(`field ${index} of the table at byte ${at} lies outside of it`)
      return at + offset
    }
    return {
      int32(index: number): number {
        const place = field(index, 4)
        return place === undefined ? 0 : view.getInt32(place, true)
      },
      vector(index: number, elementBytes: number, most: number): Range {
        const place = field(index, 4)
        if (place === undefined) return refuse(`field ${index} of the table at byte ${at} is missing`)
        const target = follow(place)
        const length = uint32(target)
        if (length > most) refuse(`list at byte ${target} has ${length} elements, expected at most ${most}`)
        return { begin: within(target + 4, length * elementBytes), length }
      },
    }
  }
  within(0, 8)
  const identifier = String.fromCharCode(...bytes.subarray(4, 8))
  return { identifier, follow, text, table, int64: (at: number) => view.getBigInt64(within(at, 8), true) }
}

function refuse(message: string): never {
  throw new PalignError('malformed-file', `onnx adapter ${message}`, { hint: 'export the file again' })
}
