/** @file The loss file of a training run: one step a line, nothing in it that depends on the machine, cut back to a checkpoint on resuming. */
import { open } from 'node:fs/promises'
import { PalignError } from '../errors.ts'
import type { StepRecord } from '../train/sft-run.ts'
import { readFileBounded } from './read-file.ts'

const MAX_BYTES = 1 << 30

export interface LossFile {
  append(record: StepRecord): Promise<void>
  /** Everything appended is on disk. @returns length in bytes */
  sync(): Promise<number>
  close(): Promise<void>
}

/** @param length what is kept of a file that is there; the rest was written after the checkpoint. @throws PalignError `malformed-file` */
export async function openLossFile(path: string, length: number): Promise<LossFile> {
  const file = await open(path, length === 0 ? 'w' : 'r+')
  const { size } = await file.stat()
  if (size < length) {
    await file.close()
    throw new PalignError('malformed-file', `file ${path} has ${size} bytes, but ${length} were written at the last checkpoint`, {
      hint: 'begin again with --restart',
    })
  }
  await file.truncate(length)
  let end = length
  return {
    async append(record) {
      const line = Buffer.from(`${JSON.stringify(record)}\n`)
      await file.write(line, 0, line.length, end)
      end += line.length
    },
    async sync() {
      await file.sync()
      return end
    },
    close: () => file.close(),
  }
}

export async function readLossFile(path: string): Promise<StepRecord[]> {
  const lines = new TextDecoder().decode(await readFileBounded(path, MAX_BYTES)).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as StepRecord)
}
