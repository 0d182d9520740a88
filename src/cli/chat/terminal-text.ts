/** @file Text from a model or a file as a terminal may get it: no control characters, and how many columns it takes. */

// C0 and DEL but tab and newline, C1, and what turns the direction of writing: escape sequences move the cursor, rename the window, answer in the
// user's name; overrides show another order than is there.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Without control characters other than newline and tab. What follows an escape character stays, as harmless text. */
export function harmless(text: string): string {
  return text.replace(CONTROLS, '')
}

/** JSON on one line, in which C1 characters are escaped as well: JSON itself leaves them as they are. */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value).replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** What a reader takes for one character each. */
export function graphemesOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment)
}

const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
/** East Asian wide characters, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u

export function isWide(grapheme: string): boolean {
  return WIDE.test(grapheme)
}

/** Columns on a terminal. Newlines and tabs have no place in what is measured. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  return graphemesOf(text).reduce((sum, grapheme) => sum + (INVISIBLE.test(grapheme) ? 0 : isWide(grapheme) ? 2 : 1), 0)
}

/** Filled up with spaces. */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}
