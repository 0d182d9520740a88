/**
 * @file Bytes under a passphrase, in the format of age (age-encryption.org/v1): the key by scrypt, the content by ChaCha20-Poly1305 in authenticated pieces.
 * Any program that reads age opens them. Not armoured.
 */
import { Decrypter, Encrypter } from 'age-encryption'
import { PalignError } from '../errors.ts'

export const AGE_ENDING = '.age'

/** What age itself writes: about a second, and 256 MB of memory. A file may not ask for more: it would be our second and our memory. */
const WORK_FACTOR = 18
/** Header, and 16 bytes for each piece of 64 KiB. */
const OVERHEAD = (bytes: number) => 1024 + bytes / 1024

/** The whole header of a file with one passphrase and no other way in. */
const HEADER = /^age-encryption\.org\/v1\n-> scrypt [A-Za-z0-9+/]{22} ([1-9]\d?)\n[A-Za-z0-9+/]{43}\n--- [A-Za-z0-9+/]{43}\n/
const MAGIC = 'age-encryption.org/'
const MOST_HEADER = 256
const LONGEST_PASSPHRASE = 4096

/** What a file of so many plain bytes may have at most. */
export const encryptedLimit = (plainBytes: number) => plainBytes + OVERHEAD(plainBytes)

export const isEncrypted = (bytes: Uint8Array): boolean => beginning(bytes, MAGIC.length) === MAGIC

/** @param options.workFactor base-2 logarithm of the cost of a guess; 18, as age has it, but for tests */
export async function encrypt(
  bytes: Uint8Array,
  passphrase: string,
  { workFactor = WORK_FACTOR }: { readonly workFactor?: number } = {},
): Promise<Uint8Array> {
  assertPassphrase(passphrase)
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  encrypter.setScryptWorkFactor(workFactor)
  return encrypter.encrypt(bytes)
}

/** The whole content or an error. @throws PalignError `malformed-file`; wrong passphrase and changed file look alike, by design of the format */
export async function decrypt(bytes: Uint8Array, passphrase: string): Promise<Uint8Array> {
  assertPassphrase(passphrase)
  const header = HEADER.exec(beginning(bytes, MOST_HEADER))
  if (header === null) {
    throw new PalignError('malformed-file', 'encrypted file is not one of age under a passphrase, in binary form', {
      hint: 'encrypt with palign persona encrypt, or age --passphrase',
    })
  }
  if (Number(header[1]) > WORK_FACTOR) {
    throw new PalignError(
      'malformed-file',
      `encrypted file asks for a work factor of ${header[1]}, at most ${WORK_FACTOR} is done`,
      {
        hint: 'decrypt it with age, and encrypt it with palign persona encrypt',
      },
    )
  }
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  try {
    return await decrypter.decrypt(bytes)
  } catch (cause) {
    throw new PalignError(
      'malformed-file',
      'encrypted file cannot be opened: the passphrase is wrong, or the file was changed or cut off',
      {
        hint: 'check the passphrase, then where the file came from',
        cause,
      },
    )
  }
}

function assertPassphrase(passphrase: string): void {
  if (passphrase.length > 0 && passphrase.length <= LONGEST_PASSPHRASE) return
  throw new PalignError('invalid-input', `passphrase has ${passphrase.length} characters, expected 1 to ${LONGEST_PASSPHRASE}`)
}

const beginning = (bytes: Uint8Array, length: number) => Buffer.from(bytes.subarray(0, length)).toString('latin1')
