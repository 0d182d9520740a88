/**
 * @file Checkpoints of a training run: one safetensors file each, with parameters, both moments of the optimiser, the place in the data and
 * everything that decided how the run went so far. The last two are kept.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { readSafetensorsHeader } from '../formats/safetensors.ts'
import { type JsonValue, parseStrictJson } from '../formats/strict-json.ts'
import type { TrainerState } from '../train/model-trainer.ts'
import type { RunPlace } from '../train/sft-run.ts'
import { openFile } from './read-file.ts'
import { writeTensorFile } from './tensor-file.ts'

const KEPT = 2
const NAME = /^step-(\d{8,15})\.safetensors$/
const KEY = 'palign.training'
const GROUPS = ['parameters', 'firstMoments', 'secondMoments'] as const

export interface Checkpoint {
  readonly state: TrainerState
  readonly place: RunPlace
  /** Length of the loss file at this step. */
  readonly lossBytes: number
  /** Everything that decides the course of a run, as plain JSON. */
  readonly settings: JsonValue
}

const count = z.int().nonnegative()
const recordSchema = z.strictObject({
  format: z.literal(1),
  place: z.strictObject({
    stage: count,
    stageStep: count,
    data: z.strictObject({ epoch: count, batch: count }),
    step: count,
    tokens: count,
  }),
  lossBytes: count,
  settings: z.json(),
})

export async function writeCheckpoint(folder: string, { state, place, lossBytes, settings }: Checkpoint): Promise<string> {
  const tensors = GROUPS.flatMap((group) =>
    [...state[group]].map(([name, values]) => ({ name: `${group}/${name}`, shape: [values.length], values })),
  )
  const path = join(folder, `step-${String(place.step).padStart(8, '0')}.safetensors`)
  const metadata = { [KEY]: JSON.stringify({ format: 1, place, lossBytes, settings }) }
  await writeTensorFile(path, { tensors, metadata })
  const names = await checkpointNames(folder)
  for (const name of names.slice(0, -KEPT)) await rm(join(folder, name), { force: true })
  return path
}

/** The latest; undefined where the folder holds none. @throws PalignError `malformed-file` */
export async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  const name = (await checkpointNames(folder)).at(-1)
  if (name === undefined) return undefined
  const path = join(folder, name)
  const file = await openFile(path)
  try {
    const { tensors, metadata } = await readSafetensorsHeader(file)
    const parsed = recordSchema.safeParse(parseStrictJson(metadata[KEY] ?? 'null', KEY))
    if (!parsed.success) {
      throw new PalignError('malformed-file', `checkpoint ${path} was not written by this version of palign`, {
        hint: 'begin again with --restart',
      })
    }
    const { place, lossBytes, settings } = parsed.data
    const read = { parameters: new Map(), firstMoments: new Map(), secondMoments: new Map() } satisfies Record<
      (typeof GROUPS)[number],
      Map<string, Float32Array>
    >
    for (const entry of tensors) {
      const group = GROUPS.find((known) => entry.name.startsWith(`${known}/`))
      if (group === undefined) throw new PalignError('malformed-file', `checkpoint ${path} has a tensor that belongs to nothing`)
      read[group].set(entry.name.slice(group.length + 1), await readFloats(file, entry))
    }
    return { state: { step: place.step, ...read }, place, lossBytes, settings: settings as JsonValue }
  } finally {
    await file.close()
  }
}

async function checkpointNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const stepOf = (name: string) => Number(NAME.exec(name)?.[1])
  return names.filter((name) => NAME.test(name)).sort((a, b) => stepOf(a) - stepOf(b))
}

/** Differences shown in a message. */
const SHOWN = 5

/**
 * Compared field by field, so that the message names what is not as it was.
 * @throws PalignError `invalid-input`
 */
export function assertSameSettings(was: JsonValue, is: JsonValue): void {
  const differences = differencesBetween(was, is, '')
  if (differences.length === 0) return
  const more = differences.length > SHOWN ? `, and ${differences.length - SHOWN} more` : ''
  throw new PalignError('invalid-input', `run goes on with other settings: ${differences.slice(0, SHOWN).join(', ')}${more}`, {
    hint: 'give the settings it was begun with, or begin again with --restart, or choose another --out',
  })
}

function differencesBetween(was: JsonValue | undefined, is: JsonValue | undefined, name: string): string[] {
  if (isTree(was) && isTree(is)) {
    const [old, now] = [was as Record<string, JsonValue>, is as Record<string, JsonValue>]
    const keys = new Set([...Object.keys(old), ...Object.keys(now)])
    return [...keys].flatMap((key) => differencesBetween(old[key], now[key], name === '' ? key : `${name}.${key}`))
  }
  return JSON.stringify(was) === JSON.stringify(is) ? [] : [`${name} was ${shown(was)} and is ${shown(is)}`]
}

const isTree = (value: JsonValue | undefined) => typeof value === 'object' && value !== null
const shown = (value: JsonValue | undefined) => (value === undefined ? 'not there' : JSON.stringify(value).slice(0, 80))
