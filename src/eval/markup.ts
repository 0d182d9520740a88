/** @file Text inside HTML, SVG and Markdown: nothing that a file says becomes markup. */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}

/** Of a cell of a Markdown table. */
export function escapeCell(text: string): string {
  return text.replace(/[\\`*_[\]<>|]/g, (character) => `\\${character}`).replace(/\s+/g, ' ')
}

/**
 * JSON for a `<script type="application/json">`: no text in it can end the element or open a comment, and no line separator of JavaScript
 * stands in it.
 */
export function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Overrides and isolates of the writing direction, control characters but line ends and tabs, and halves of surrogate pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const UNSHOWABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu

/** Text as a reader may be shown it: what could reorder or hide the text around it becomes the replacement character. */
export function showableText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(UNSHOWABLE, '\ufffd')
}
