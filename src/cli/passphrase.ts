/** @file Where the passphrase of an encrypted persona comes from: a file, the environment, or a terminal. Never the command line, which others can see. */
import { PalignError } from '../errors.ts'
import { decodeText, readFileBounded } from '../node/read-file.ts'

export interface PassphraseOptions {
  readonly passphraseFile?: string | undefined
}

const MOST_BYTES = 4096

/** Asked for when it is needed, and once. */
export function passphraseOf(options: PassphraseOptions): () => Promise<string> {
  let found: Promise<string> | undefined
  return () => {
    found ??= find(options, false)
    return found
  }
}

/** For what will be encrypted: typed twice, where it is typed. */
export const newPassphrase = (options: PassphraseOptions): Promise<string> => find(options, true)

/** Without anybody to ask; undefined where none was given. */
export async function givenPassphrase({ passphraseFile }: PassphraseOptions): Promise<string | undefined> {
  if (passphraseFile === undefined) return process.env.PALIGN_PASSPHRASE
  const text = decodeText(await readFileBounded(passphraseFile, MOST_BYTES), passphraseFile)
  // Editors end a file with a line's end that nobody typed.
  return text.replace(/\r?\n$/, '')
}

async function find(options: PassphraseOptions, isNew: boolean): Promise<string> {
  const given = await givenPassphrase(options)
  if (given !== undefined) return given
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PalignError('invalid-input', 'passphrase is needed and there is no terminal to ask at', {
      hint: 'give --passphrase-file, or set PALIGN_PASSPHRASE',
    })
  }
  const typed = await ask('passphrase: ')
  if (isNew && (await ask('once more: ')) !== typed) {
    throw new PalignError('invalid-input', 'passphrases differ', { hint: 'nothing was written; begin again' })
  }
  return typed
}

/** Keys of a terminal in raw mode, which shows none of them. */
const [INTERRUPT, END, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f']

function ask(prompt: string): Promise<string> {
  const { stdin, stderr } = process
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const end = (act: () => void) => {
      stdin.off('data', take)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      act()
    }
    const take = (piece: Buffer) => {
      for (const key of piece.toString('utf8')) {
        if (key === '\r' || key === '\n') return end(() => resolve(typed.join('')))
        if (key === INTERRUPT || key === END) return end(() => reject(new PalignError('aborted', 'no passphrase was given')))
        if (key === BACKSPACE || key === DELETE) typed = typed.slice(0, -1)
        else if (key >= ' ') typed.push(key)
      }
    }
    stderr.write(prompt)
    stdin.setRawMode(true)
    stdin.on('data', take)
    stdin.resume()
  })
}
