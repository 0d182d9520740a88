/** @file TensorProto of an ONNX file: type, shape, and where its numbers lie; and the rules for numbers in another file. */
import { elementCount, type FileTensor, isElementType, type Span, TEXT_ELEMENT, tensorByteLength } from './onnx-file.ts'
import { type Message, readMessage, refuseOnnx, shownName } from './onnx-message.ts'

/** Beyond what any operator takes. */
const MOST_DIMENSIONS = 16
/** Shapes and axes: what is longer is no list of sizes. */
const MOST_INTEGERS = 64
const INT32 = 6
const INT64 = 7
const EXTERNAL = 1
const EXTERNAL_KEYS: readonly string[] = ['location', 'offset', 'length', 'checksum']

/** Field numbers of what can hold a tensor's numbers: float, int32, string, int64, raw, double, uint64. */
const DATA_FIELDS = [4, 5, 6, 7, 9, 10, 11] as const
const RAW_DATA = 9
const INT32_DATA = 5
const INT64_DATA = 7
const STRING_DATA = 6
/** Of `float_data` and `double_data`: bytes a number. */
const FIXED_DATA: Readonly<Record<number, number>> = { 4: 4, 10: 8 }

/** Data fields longer than this are left in the file. */
export const MOST_HELD_DATA = 1 << 16

export function tensorOf(message: Message, span: Span): FileTensor {
  const name = message.text(8)
  const where = `tensor ${shownName(name)}`
  const shape = message.integers(1)
  const elementType = message.integer(2)
  if (!isElementType(elementType)) refuseOnnx(`${where} has element type ${elementType}, which is not known`)
  if (shape.length > MOST_DIMENSIONS || shape.some((size) => size < 0 || size > Number.MAX_SAFE_INTEGER))
    refuseOnnx(`${where} has a shape that is not at most ${MOST_DIMENSIONS} sizes`)
  if (elementCount(shape) > BigInt(Number.MAX_SAFE_INTEGER)) refuseOnnx(`${where} has more elements than 2^53`)
  if (message.has(3)) refuseOnnx(`${where} is a segment of a tensor, which is not read`)
  const present = DATA_FIELDS.filter((number) => message.has(number))
  const isExternal = message.integer(14) === EXTERNAL
  if (isExternal !== message.has(13) || (isExternal && present.length > 0) || present.length > 1)
    refuseOnnx(`${where} has its numbers in more than one place, or in none`)
  const base = { name, elementType, shape, span }
  if (isExternal) return { ...base, content: externalContent(message, where, elementType, shape), integers: undefined }
  const [data] = present
  const raw = data === RAW_DATA ? message.field(RAW_DATA) : undefined
  checkInlineLength({ message, data, where, elementType, shape })
  return {
    ...base,
    content: { kind: 'inline', raw: raw && { start: raw.valueStart, end: raw.end } },
    integers: integersOf(message, { data, elementType, shape }),
  }
}

interface InlineData {
  readonly message: Message
  readonly data: number | undefined
  readonly where: string
  readonly elementType: number
  readonly shape: readonly number[]
}

function checkInlineLength({ message, data, where, elementType, shape }: InlineData): void {
  const count = elementCount(shape)
  if (data === undefined) {
    if (count > 0n) refuseOnnx(`${where} has ${count} elements and no numbers`)
    return
  }
  const fields = message.fields(data)
  const bytes = fields.reduce((sum, { valueStart, end }) => sum + end - valueStart, 0)
  const disagrees = (found: string) => refuseOnnx(`${where} has ${count} elements by its shape but ${found}`)
  if (data === RAW_DATA) {
    const expected = tensorByteLength(elementType, shape)
    if (fields.length !== 1 || elementType === TEXT_ELEMENT || BigInt(bytes) !== expected)
      disagrees(`${bytes} bytes of numbers, expected ${expected}`)
  } else if (data === STRING_DATA) {
    if (BigInt(fields.length) !== count) disagrees(`${fields.length} texts`)
  } else if (FIXED_DATA[data] !== undefined) {
    if (BigInt(bytes) !== count * BigInt(FIXED_DATA[data])) disagrees(`${bytes} bytes of numbers`)
  } else if (fields.some(({ valueStart, end }) => end - valueStart > MOST_HELD_DATA)) {
    // Counting varints means reading them all; weights are stored as raw bytes by every exporter.
    refuseOnnx(`${where} has ${bytes} bytes of numbers that are not stored as raw bytes`)
  } else {
    checkVarintCount({ message, data, disagrees, elementType, count })
  }
}

function checkVarintCount({
  message,
  data,
  disagrees,
  elementType,
  count,
}: {
  readonly message: Message
  readonly data: number
  readonly disagrees: (found: string) => never
  readonly elementType: number
  readonly count: bigint
}): void {
  const found = message.integers(data).length
  // Complex numbers take two, and elements of less than a byte share one: only the others are counted here.
  const isWhole = tensorByteLength(elementType, [1]) === tensorByteLength(elementType, [2]) - tensorByteLength(elementType, [1])
  if (isWhole && BigInt(found) !== count) disagrees(`${found} numbers`)
}

function integersOf(
  message: Message,
  { data, elementType, shape }: Pick<InlineData, 'data' | 'elementType' | 'shape'>,
): readonly number[] | undefined {
  const count = Number(elementCount(shape))
  if (count > MOST_INTEGERS || (elementType !== INT32 && elementType !== INT64)) return undefined
  if (data === undefined) return []
  if (data !== RAW_DATA) return data === INT32_DATA || data === INT64_DATA ? message.integers(data) : undefined
  const { bytes } = message.message(RAW_DATA)!
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: count }, (_, i) =>
    elementType === INT64 ? Number(view.getBigInt64(8 * i, true)) : view.getInt32(4 * i, true),
  )
}

function externalContent(message: Message, where: string, elementType: number, shape: readonly number[]) {
  const entries = new Map<string, string>()
  for (const placed of message.messages(13)) {
    const entry = readMessage(placed)
    const key = entry.text(1)
    if (!EXTERNAL_KEYS.includes(key) || entries.has(key))
      refuseOnnx(`${where} has external data with the key ${shownName(key)}, expected each of ${EXTERNAL_KEYS.join(', ')} once`)
    entries.set(key, entry.text(2))
  }
  const file = entries.get('location') ?? ''
  checkLocation(file, where)
  const expected = tensorByteLength(elementType, shape)
  const offset = byteNumber(entries.get('offset') ?? '0', where)
  const byteLength = entries.has('length') ? byteNumber(entries.get('length')!, where) : Number(expected)
  if (elementType === TEXT_ELEMENT || BigInt(byteLength) !== expected)
    refuseOnnx(`${where} has ${byteLength} bytes of external data, expected ${expected} by type and shape`)
  if (!Number.isSafeInteger(offset + byteLength)) refuseOnnx(`${where} has external data beyond byte 2^53`)
  return { kind: 'external', file, offset, byteLength } as const
}

/** A path that cannot leave the folder of the model, on any system. */
function checkLocation(location: string, where: string): void {
  const isPlain = location.split('/').every((part) => /^[\w][\w. +@=()-]*$/.test(part) && !/[. ]$/.test(part))
  const isDevice = location.split('/').some((part) => /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(part))
  if (!isPlain || isDevice || location.length > 255)
    refuseOnnx(`${where} has external data in ${shownName(location)}, expected a plain relative path inside the folder`)
}

function byteNumber(text: string, where: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) refuseOnnx(`${where} has external data at ${shownName(text)}, expected a number of bytes`)
  return value
}
