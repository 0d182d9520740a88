/** @file Loads and scores a file of 300,000 protocols of 300 answers. Goal: at most 2 s and 400 MB of resident memory. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { scoreMatrix } from '../src/items/answer-matrix.ts'
import { IPIP_NEO_300 } from '../src/items/ipip-neo.ts'
import { seededRandom } from '../src/math/random.ts'
import { readPeople } from '../src/people/read-people.ts'
import { simulateSample } from '../src/people/simulate.ts'

export interface PeopleBench {
  /** Reading with all checks, and scoring of 35 scales. */
  readonly seconds: number
  /** Highest resident memory of the process, the file in memory included. */
  readonly peakRssMb: number
}

const ROWS = 300_000
const SEED = 1

/** Runs the measurement in a process of its own, because the peak of memory is that of a whole process. */
export function benchPeople(): PeopleBench {
  const output = execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url)], { encoding: 'utf8' })
  return JSON.parse(output)
}

function measure(): PeopleBench {
  const bytes = johnsonFile()
  const started = performance.now()
  const { sample } = readPeople(bytes)
  const { raw } = scoreMatrix(sample)
  const seconds = (performance.now() - started) / 1000
  if (raw.length !== ROWS * 35) throw new Error(`scores number ${raw.length}`)
  return { seconds: round(seconds), peakRssMb: round(peakRssMb()) }
}

/** Linux lets a process inherit the peak of the process that started it in `maxRSS`; VmHWM is its own. */
function peakRssMb(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / 1024
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) / 1024
}

/** IPIP300.dat of simulated persons: rows drawn from 1,000 of them, one answer in 200 missing. */
function johnsonFile(): Uint8Array {
  const { values, sex, age } = simulateSample({ count: 1000, seed: SEED, questionnaire: IPIP_NEO_300 })
  const random = seededRandom(SEED)
  const stride = 335
  const bytes = new Uint8Array(ROWS * stride).fill(48)
  for (let row = 0; row < ROWS; row++) {
    const person = Math.floor(random() * sex.length)
    const start = row * stride
    bytes[start + 6] = 48 + sex[person]!
    bytes[start + 7] = 48 + Math.floor(age[person]! / 10)
    bytes[start + 8] = 48 + (age[person]! % 10)
    for (let item = 0; item < 300; item++) bytes[start + 33 + item] = 48 + values[person * 300 + item]!
    for (let missing = 0; missing < 2; missing++) if (random() < 0.75) bytes[start + 33 + Math.floor(random() * 300)] = 48
    bytes.set([13, 10], start + 333)
  }
  return bytes
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${JSON.stringify(measure())}\n`)
}
