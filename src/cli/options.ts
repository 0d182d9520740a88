/** @file What commands share of their command line: readers of numbers, and options that mean the same everywhere. */
import { InvalidArgumentError, Option } from 'commander'
import { PRECISIONS } from '../model/precision.ts'
import { DEVICES } from '../node/device-names.ts'

export function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number.')
  return value
}

export function wholeNumber(text: string): number {
  const value = number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number of at least 0.')
  return value
}

export function count(text: string): number {
  const value = number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number of at least 1.')
  return value
}

/** @returns ISO 8601 in UTC */
export function utcTime(text: string): string {
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new InvalidArgumentError('expected a time as 2027-01-31 or 2027-01-31T12:00:00Z.')
  return new Date(time).toISOString()
}

export function share(text: string): number {
  const value = number(text)
  if (value < 0 || value > 1) throw new InvalidArgumentError('expected a number from 0 to 1.')
  return value
}

/** Sensitivity and specificity of a classifier. */
export function accuracy(text: string) {
  const [sensitivity, specificity, ...more] = text.split(',').map(Number)
  const isShare = (value: number | undefined): value is number => value !== undefined && value >= 0 && value <= 1
  if (more.length > 0 || !isShare(sensitivity) || !isShare(specificity)) {
    throw new InvalidArgumentError('expected sensitivity and specificity from 0 to 1, as .9,.8.')
  }
  return { sensitivity, specificity }
}

export const model = () =>
  new Option(
    '-m, --model <path>',
    'folder with config.json, *.safetensors and tokenizer.json, or a .gguf file',
  ).makeOptionMandatory()
export const dtype = () =>
  new Option('--dtype <name>', 'precision of the weights, made once and kept in the cache folder; default: as they are').choices(
    PRECISIONS,
  )
export const device = () =>
  new Option('--device <name>', 'what computes; another than the CPU is tested against it at the start')
    .choices(DEVICES)
    .default('cpu')
export const data = () => new Option('-d, --data <file>', 'answers: PAPI or Johnson file, or palign JSON').makeOptionMandatory()
export const row = () =>
  new Option('-r, --row <number>', 'which respondent of the file, from 0').argParser(wholeNumber).default(0)
export const seed = () => new Option('-s, --seed <number>', 'seed of everything random').argParser(wholeNumber).default(0)
export const steps = () =>
  new Option('--steps <number>', "training steps of dpo and ppo instead of the paper's 250").argParser(count)
export const randomControls = () =>
  new Option('--random <number>', 'random directions of the same size beside every persona that steers')
    .argParser(wholeNumber)
    .default(0)
export const comparedPersonas = () =>
  new Option('-p, --persona <paths...>', 'persona files or adapter folders, each compared with the unsteered model')
export const passphraseFile = () =>
  new Option(
    '--passphrase-file <file>',
    'passphrase of encrypted personas (.age); else that of PALIGN_PASSPHRASE, else asked for at the terminal',
  )
export const allowModelMismatch = () =>
  new Option(
    '--allow-model-mismatch',
    'use a persona that was fitted on another model, where layers and heads agree; every answer is marked',
  )
export const databaseUrlFile = () =>
  new Option(
    '--database-url-file <file>',
    'file with the address of a PostgreSQL database, in place of --store; where neither is given that of DATABASE_URL, if set',
  )
export const out = () => new Option('-o, --out <file>', 'also write the JSON result here')
export const json = () => new Option('--json', 'one JSON value on stdout')

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
}
