/** @file One message of an ONNX file, field by field: text, numbers and inner messages, each with its wire type checked. */
import { PalignError } from '../errors.ts'
import {
  type PlacedBytes,
  type ProtobufField,
  packedVarints,
  protobufFields,
  refuseProtobuf,
  signedVarint,
  valueBytes,
  type WireType,
} from './protobuf-reader.ts'

/** Names of values, operators and files; the longest seen have a few hundred bytes. */
const MOST_NAME_BYTES = 4096

export interface Message {
  readonly start: number
  has(number: number): boolean
  /** Empty where the field is absent. */
  text(number: number): string
  texts(number: number): string[]
  /** 0 where the field is absent. */
  integer(number: number): number
  float(number: number): number
  /** A repeated number, packed or not. */
  integers(number: number): number[]
  message(number: number): PlacedBytes | undefined
  messages(number: number): PlacedBytes[]
  /** The one field of this number. */
  field(number: number): ProtobufField | undefined
  fields(number: number): readonly ProtobufField[]
}

export function readMessage(placed: PlacedBytes): Message {
  return messageOf(placed.offset, protobufFields(placed), (field) => valueBytes(placed, field))
}

/** Over fields whose values are looked up, for a message that is not in memory as a whole. */
export function messageOf(start: number, fields: readonly ProtobufField[], value: (field: ProtobufField) => Uint8Array): Message {
  const byNumber = new Map<number, ProtobufField[]>()
  for (const field of fields) {
    const same = byNumber.get(field.number)
    if (same === undefined) byNumber.set(field.number, [field])
    else same.push(field)
  }
  const all = (number: number, ...types: readonly WireType[]): readonly ProtobufField[] => {
    const found = byNumber.get(number) ?? []
    const stranger = found.find(({ wireType }) => !types.includes(wireType))
    if (stranger !== undefined) refuseProtobuf(stranger.start, `field ${number} has wire type ${stranger.wireType}`)
    return found
  }
  // Readers differ in what they do with a repeated single field: none writes one.
  const one = (number: number, type: WireType): ProtobufField | undefined => {
    const found = all(number, type)
    if (found.length > 1) refuseProtobuf(found[1]!.start, `field ${number} is there twice`)
    return found[0]
  }
  const text = (field: ProtobufField): string => decodeName(value(field), field.start)
  const inner = (field: ProtobufField): PlacedBytes => ({ bytes: value(field), offset: field.valueStart })
  return {
    start,
    has: (number) => byNumber.has(number),
    text(number) {
      const field = one(number, 2)
      return field === undefined ? '' : text(field)
    },
    texts: (number) => all(number, 2).map(text),
    integer(number) {
      const field = one(number, 0)
      return field === undefined ? 0 : signedVarint(value(field))
    },
    float(number) {
      const field = one(number, 5)
      if (field === undefined) return 0
      const bytes = value(field)
      return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true)
    },
    integers: (number) =>
      all(number, 0, 2).flatMap((field) => (field.wireType === 0 ? [signedVarint(value(field))] : packedVarints(inner(field)))),
    message(number) {
      const field = one(number, 2)
      return field === undefined ? undefined : inner(field)
    },
    messages: (number) => all(number, 2).map(inner),
    field: (number) => one(number, 2),
    fields: (number) => byNumber.get(number) ?? [],
  }
}

function decodeName(bytes: Uint8Array, offset: number): string {
  if (bytes.length > MOST_NAME_BYTES)
    refuseProtobuf(offset, `name has ${bytes.length} bytes, at most ${MOST_NAME_BYTES} are read`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuseProtobuf(offset, 'name is not valid UTF-8')
  }
}

/** Names come from the file: quoted, and short enough for a message. */
export function shownName(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}...` : name)
}

export function refuseOnnx(rule: string): never {
  throw new PalignError('malformed-file', `onnx ${rule}`, { hint: 'fetch or export the file again' })
}
