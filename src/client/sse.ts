/**
 * @file Server-sent events (WHATWG HTML, "interpretation of an event stream") as far as the routes use them: the data of each event. Bytes may be cut
 * anywhere, inside a character or between CR and LF; comments and other fields are passed over; what no empty line ends is no event.
 */
import { PalignApiError } from './error.ts'

export interface ReadEventsOptions {
  /** Most characters of one event, so that a stream without line ends does not fill the memory. */
  readonly maxEventLength: number
}

/** Leaving the loop closes the connection. @throws PalignApiError `event_too_long` */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { maxEventLength }: ReadEventsOptions,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder()
  const lines = lineSplitter()
  const reader = body.getReader()
  let data: string[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      for (const line of lines.push(decoder.decode(value, { stream: true }))) {
        if (line === '') {
          if (data.length > 0) yield data.join('\n')
          data = []
          length = 0
        } else {
          length += line.length
          if (length > maxEventLength) throw tooLong(maxEventLength)
          const found = /^data(?:: ?(.*))?$/s.exec(line)
          if (found !== null) data.push(found[1] ?? '')
        }
      }
      if (length + lines.pending() > maxEventLength) throw tooLong(maxEventLength)
    }
  } finally {
    // Has no effect on a stream that ended; one that failed throws its own error above.
    await reader.cancel().catch(() => undefined)
  }
}

/** Whole lines of a text that comes in pieces; CR, LF and CRLF end a line. */
function lineSplitter() {
  // Pieces of the unfinished line are joined once, when it ends: a long line costs no more than its length.
  let pieces: string[] = []
  let pendingLength = 0
  let afterCarriageReturn = false
  return {
    *push(text: string): Generator<string, void, void> {
      let from = 0
      if (afterCarriageReturn && text !== '') {
        if (text[0] === '\n') from = 1
        afterCarriageReturn = false
      }
      const end = /\r\n|\r|\n/g
      end.lastIndex = from
      for (let match = end.exec(text); match !== null; match = end.exec(text)) {
        pieces.push(text.slice(from, match.index))
        const line = pieces.join('')
        pieces = []
        pendingLength = 0
        from = end.lastIndex
        if (match[0] === '\r' && from === text.length) afterCarriageReturn = true
        yield line
      }
      if (from < text.length) {
        pieces.push(text.slice(from))
        pendingLength += text.length - from
      }
    },
    pending: () => pendingLength,
  }
}

const tooLong = (limit: number) =>
  new PalignApiError({ status: 200, code: 'event_too_long', message: `stream has an event of more than ${limit} characters` })
