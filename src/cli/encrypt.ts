/** @file `palign persona encrypt` and `decrypt`: a persona file under a passphrase, and back. */
import { PalignError } from '../errors.ts'
import { AGE_ENDING, encrypt, isEncrypted } from '../node/age.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import { MAX_PERSONA_BYTES, personaFromBytes, readPersonaBytes } from '../node/persona-file.ts'
import { readFileBounded } from '../node/read-file.ts'
import { print, printJson } from './output.ts'
import { newPassphrase, type PassphraseOptions, passphraseOf } from './passphrase.ts'

interface EncryptOptions extends PassphraseOptions {
  readonly out: string
  readonly json?: boolean
}

/** What is no persona is not encrypted: it would be found out only by whoever has the passphrase. */
export async function encryptPersonaCommand(path: string, options: EncryptOptions): Promise<void> {
  const { out, json } = options
  if (!out.endsWith(AGE_ENDING)) {
    throw new PalignError('invalid-input', `file ${out} does not end in ${AGE_ENDING}, by which encrypted personas are known`, {
      hint: `--out ${out}${AGE_ENDING}`,
    })
  }
  const bytes = await readFileBounded(path, MAX_PERSONA_BYTES)
  if (isEncrypted(bytes)) throw new PalignError('invalid-input', `file ${path} is encrypted already`)
  await personaFromBytes(bytes, path)
  await prepareToWrite(out)
  await writeFileAtomic(out, await encrypt(bytes, await newPassphrase(options)), { mode: 0o600 })
  if (json) printJson({ persona: out })
  else print(`persona written to ${out}; without the passphrase nobody reads it again. ${path} is still there`)
}

export async function decryptPersonaCommand(path: string, options: EncryptOptions): Promise<void> {
  const { out, json } = options
  await prepareToWrite(out)
  const bytes = await readPersonaBytes(path, { passphrase: passphraseOf(options) })
  await personaFromBytes(bytes, path)
  await writeFileAtomic(out, bytes, { mode: 0o600 })
  if (json) printJson({ persona: out })
  else print(`persona written to ${out}`)
}
