/**
 * @file The result of a verification inside the file that it is about. A place of fixed length is written with the file and filled in afterwards, so that gigabytes need
 * not be written twice. Plain ASCII without quotes and backslashes: the same bytes in JSON, GGUF and protobuf.
 */
import { PalignError } from '../errors.ts'
import { type Compared, shown } from './verification.ts'

const LENGTH = 400
export const NOTE_KEY = 'palign.verification'
/** What stands there until the verification has passed. */
export const NOTE_PLACE = 'unverified: verification of this file was not completed'.padEnd(LENGTH)

export type Verification =
  | {
      readonly kind: 'verified'
      readonly target: string
      readonly date: string
      readonly compared: Compared
      readonly places: number
    }
  | { readonly kind: 'unverified'; readonly reason: string }

export function noteText(verification: Verification): string {
  if (verification.kind === 'unverified') return padded(`unverified: ${verification.reason}`)
  const { target, date, places, compared } = verification
  const { exportToSteered, exportToBase, steeredToBase, zeroToBase } = compared
  return padded(
    `verified: ${target}; ${date}; total variation over ${places} places, largest (mean): export to steered engine ${pair(exportToSteered)}, ` +
      `export to base ${pair(exportToBase)}, steered to base ${pair(steeredToBase)}, alpha 0 to base ${pair(zeroToBase)}; ` +
      `log-probability, largest: ${shown(exportToSteered.logProbability)}`,
  )
}

/** Fills the place in `bytes`, the beginning of the file. @throws PalignError `malformed-file` where there is none, or more than one */
export function fillNote(bytes: Uint8Array, verification: Verification): void {
  const place = new TextEncoder().encode(NOTE_PLACE)
  const at = indexOf(bytes, place, 0)
  if (at < 0 || indexOf(bytes, place, at + 1) >= 0) {
    throw new PalignError('malformed-file', 'place for the verification is not in the file exactly once')
  }
  bytes.set(new TextEncoder().encode(noteText(verification)), at)
}

const pair = ({ totalVariation, meanTotalVariation }: Compared['exportToBase']) =>
  `${shown(totalVariation)} (${shown(meanTotalVariation)})`

/** Any other character would change the bytes around it in one of the formats. */
const padded = (text: string) =>
  text
    .replace(/[^ !#-[\]-~]/g, '?')
    .slice(0, LENGTH)
    .padEnd(LENGTH)

function indexOf(bytes: Uint8Array, sought: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(sought[0]!, from); at >= 0; at = bytes.indexOf(sought[0]!, at + 1)) {
    if (sought.every((byte, i) => bytes[at + i] === byte)) return at
  }
  return -1
}
