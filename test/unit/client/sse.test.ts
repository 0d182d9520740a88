import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEvents } from '../../../src/client/sse.ts'
import { collected } from '../../fixtures/collected.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** The bytes of a stream in pieces that end at these places. */
function cut(text: string, places: readonly number[] = []): ReadableStream<Uint8Array> {
  const all = bytes(text)
  const ends = [...places.filter((place) => place < all.length), all.length].sort((a, b) => a - b)
  const pieces = ends.map((end, i) => all.slice(i === 0 ? 0 : ends[i - 1]!, end))
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(piece)
    },
  })
}

const read = (body: ReadableStream<Uint8Array>, maxEventLength = 1000) => collected(readEvents(body, { maxEventLength }))

describe('server-sent events', () => {
  it.each([
    ['line feeds', 'data: a\n\ndata: b\n\n', ['a', 'b']],
    ['carriage returns and line feeds', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['carriage returns', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['comments and other fields', ': ping\n\nevent: error\nid: 7\ndata: a\n\n', ['a']],
    ['several lines of data', 'data: a\ndata:b\ndata\n\n', ['a\nb\n']],
    ['one space of two', 'data:  a\n\n', [' a']],
    ['a mark of byte order', '\ufeffdata: a\n\n', ['a']],
    ['an event that nothing ends', 'data: a\n\ndata: b\n', ['a']],
    ['other line separators inside', 'data: a\u2028b\u0085c\n\n', ['a\u2028b\u0085c']],
    ['a field that only begins alike', 'database: a\n\ndata: b\n\n', ['b']],
  ])('are read with %s', async (_, text, expected) => {
    expect(await read(cut(text))).toEqual(expected)
  })

  it('are the same wherever the bytes are cut', async () => {
    const event = fc.array(
      fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n\0]/g, '·')),
      { minLength: 1, maxLength: 3 },
    )
    const end = fc.constantFrom('\n', '\r\n', '\r')
    const places = fc.array(fc.nat(200), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 5 }), end, places, async (events, newline, at) => {
        const text = events.map((lines) => lines.map((line) => `data: ${line}${newline}`).join('') + newline).join('')
        // Lone surrogates have no bytes of their own.
        const whole = events.map((lines) => new TextDecoder().decode(bytes(lines.join('\n'))))
        expect(await read(cut(text, at))).toEqual(whole)
      }),
    )
  })

  it.each([
    ['one line', `data: ${'x'.repeat(2000)}\n\n`],
    ['one line without an end', `data: ${'x'.repeat(2000)}`],
    ['many lines', 'data: xxxx\n'.repeat(200)],
  ])('of more than the limit are refused: %s', async (_, text) => {
    const places = Array.from({ length: 40 }, (_, i) => i * 50)
    await expect(read(cut(text, places))).rejects.toMatchObject({ name: 'PalignApiError', code: 'event_too_long' })
  })

  it('close their stream when the loop is left', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes('data: a\n\n')),
      cancel() {
        cancelled = true
      },
    })
    for await (const _ of readEvents(body, { maxEventLength: 100 })) break
    expect(cancelled).toBe(true)
  })
})
