/** @file Names that come from a hub or go to one: models, revisions and paths of files. None becomes a path on this machine before it was checked here. */
import { PalignError } from '../errors.ts'

export interface HubId {
  readonly owner: string
  readonly name: string
  /** Branch, tag or commit. */
  readonly revision: string
}

/** The hub's own rule; `--` parts owner and name in the names of our folders. */
const WORD = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/
const SEGMENT = /^[A-Za-z0-9_](?:[A-Za-z0-9_.+=@-]{0,126}[A-Za-z0-9_+=-])?$/
/** Names that are devices on Windows, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i
export const COMMIT = /^[0-9a-f]{40}$/

/** Of `owner/name` or `owner/name@revision`; the revision is main where none is given. @throws PalignError `invalid-input` */
export function parseHubId(text: string): HubId {
  const [id = '', revision = 'main', ...more] = text.split('@')
  const [owner = '', name = '', ...deeper] = id.split('/')
  const isWord = (word: string) => WORD.test(word) && !word.includes('--') && !word.includes('..')
  if (more.length > 0 || deeper.length > 0 || !isWord(owner) || !isWord(name)) {
    throw new PalignError('invalid-input', `model ${shown(text)} is no name of a hub, expected owner/name or owner/name@revision`)
  }
  if (!REVISION.test(revision) || /\.\.|\/\/|\/$/.test(revision)) {
    throw new PalignError('invalid-input', `revision ${shown(revision)} is none, expected a branch, a tag or a commit`)
  }
  return { owner, name, revision }
}

/** Whether a path of a repository may become a path below a folder of ours, on any system. */
export function isPlainPath(path: string): boolean {
  const segments = path.split('/')
  return segments.length <= 4 && segments.every((segment) => SEGMENT.test(segment) && !DEVICE.test(segment))
}

/** Whether a path leads out of its repository: nobody has such a name by accident. */
export function isTraversal(path: string): boolean {
  return /\\|\0|^[A-Za-z]:/.test(path) || path.split('/').some((segment) => ['', '.', '..'].includes(segment))
}

/** Somebody else's text in a message: short, and no control characters. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text).replace(/[\u007f-\u009f\u200b-\u206f]/g, '?')
}
