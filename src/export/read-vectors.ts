/** @file Files of vectors made by other programs, told apart by their bytes: those that a persona can be are read, the others refused by name. */
import { PalignError } from '../errors.ts'
import { bytesSource } from '../formats/byte-source.ts'
import { readGgufHeader } from '../formats/gguf.ts'
import type { SteeringPersona } from '../persona/persona.ts'
import { type ReadSvecOptions, readSvec } from './read-svec.ts'

const CONTROL_VECTORS: readonly string[] = ['controlvector', 'steeringvector']

/**
 * @throws PalignError `incompatible-persona` for vectors of the residual stream, `malformed-file` for bytes that are no vectors; what `readSvec` throws
 */
export async function readVectors(bytes: Uint8Array, options: ReadSvecOptions): Promise<SteeringPersona> {
  if (startsWith(bytes, 'GGUF')) {
    const { metadata } = await readGgufHeader(bytesSource(bytes))
    const architecture = metadata.get('general.architecture')
    const name = architecture?.kind === 'string' ? architecture.value : 'unknown'
    if (!CONTROL_VECTORS.includes(name)) {
      throw new PalignError(
        'malformed-file',
        `gguf file is of architecture ${name.slice(0, 64)}, expected ${CONTROL_VECTORS.join(' or ')}`,
      )
    }
    throw new PalignError(
      'incompatible-persona',
      'control vector moves the residual stream, palign moves z, the input of o_proj, only: no persona is the same',
      { hint: 'align a persona with palign, or take vectors of heads (.svec with num_heads and head_dim)' },
    )
  }
  if (bytes[0] !== 0x7b) {
    throw new PalignError('malformed-file', 'file is neither .svec (JSON) nor GGUF', {
      hint: 'palign reads no pickled files (.pt, .pkl): they run code',
    })
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new PalignError('malformed-file', 'svec is not valid UTF-8', { cause })
  }
  return readSvec(text, options)
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return Array.from(text).every((letter, i) => bytes[i] === letter.charCodeAt(0))
}
