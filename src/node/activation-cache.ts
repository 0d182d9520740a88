/** @file Recorded activations as safetensors files in the cache folder of the user; a damaged file is recorded again. */
import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ActivationStore, RecordingKey } from '../activations/activation-store.ts'
import { PalignError } from '../errors.ts'
import { floatTensor, readFloats } from '../formats/float-tensor.ts'
import { readSafetensorsHeader, writeSafetensors } from '../formats/safetensors.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { openFile } from './read-file.ts'

/** `PALIGN_CACHE`, or the folder that the XDG rules name. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  return environment.PALIGN_CACHE ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'palign')
}

export function activationCache(folder: string): ActivationStore {
  const pathOf = (key: RecordingKey) => join(folder, 'activations', `${hashOf(key)}.safetensors`)
  return {
    async read(key) {
      try {
        return await readActivations(pathOf(key), key.prompts.length)
      } catch (error) {
        if (error instanceof PalignError) return undefined
        throw error
      }
    },
    async write(key, { values, samples, shape: { layers, heads, headDim } }) {
      const tensor = floatTensor('z', [samples, layers, heads, headDim], values, 'F32')
      await writeFileAtomic(pathOf(key), writeSafetensors({ tensors: [tensor] }))
    },
  }
}

async function readActivations(path: string, samples: number): Promise<Float32Array | undefined> {
  const file = await openFile(path)
  try {
    const [z] = (await readSafetensorsHeader(file)).tensors
    return z?.shape[0] === samples ? await readFloats(file, z) : undefined
  } finally {
    await file.close()
  }
}

function hashOf({ fingerprint, prompts }: RecordingKey): string {
  const hash = createHash('sha256').update(fingerprint)
  for (const { tokens } of prompts) hash.update(`\n${tokens.join(' ')}`)
  return hash.digest('hex')
}
