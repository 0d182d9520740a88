/** @file Adapter folders in PEFT's layout, which other tools read: adapter_config.json and adapter_model.safetensors. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { type PeftAdapter, readPeft, writePeft } from '../graph/peft.ts'
import { prepareToWriteFolder, type WriteFolderOptions, writeFolderAtomic } from './atomic-folder.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { openFile, readFileBounded } from './read-file.ts'

export const ADAPTER_CONFIG = 'adapter_config.json'
export const ADAPTER_TENSORS = 'adapter_model.safetensors'
/** Beside the two files of PEFT where the adapter is a persona; other tools leave it be. */
export const PERSONA_RECORD = 'palign.json'
const OWN_FILES = [ADAPTER_CONFIG, ADAPTER_TENSORS, PERSONA_RECORD]

const REPLACES_ADAPTERS: WriteFolderOptions = {
  mayReplace: (names) => names.includes(ADAPTER_CONFIG) && names.every((name) => OWN_FILES.includes(name)),
}

const MAX_CONFIG_BYTES = 1 << 20
/** Rank 64 on every linear layer of a model of 7 billion parameters is 640 MB. */
const MAX_TENSOR_BYTES = 1 << 30

export interface AdapterFolderOptions {
  /** Share of inputs that was dropped in training; recorded, without effect on use. Default 0. */
  readonly dropout?: number | undefined
  /** Text of the persona record, where the adapter is a persona. */
  readonly record?: string | undefined
}

/** Whole or not at all. Replaces a folder that holds an adapter and nothing else; refuses any other (`invalid-input`). */
export async function writeAdapterFolder(
  folder: string,
  adapter: PeftAdapter,
  options: AdapterFolderOptions = {},
): Promise<void> {
  const { config, tensors } = writePeft(adapter, options)
  const files = { [ADAPTER_TENSORS]: tensors, [ADAPTER_CONFIG]: config, [PERSONA_RECORD]: options.record }
  await writeFolderAtomic(
    folder,
    async (fresh) => {
      for (const [name, content] of Object.entries(files))
        if (content !== undefined) await writeFileAtomic(join(fresh, name), content)
    },
    REPLACES_ADAPTERS,
  )
}

/** For the beginning of long work. @throws PalignError `invalid-input` where `writeAdapterFolder` would refuse the folder */
export async function prepareAdapterFolder(folder: string): Promise<void> {
  await prepareToWriteFolder(folder, REPLACES_ADAPTERS)
}

/** @throws PalignError `not-found`, `malformed-file`, `non-finite`; `incompatible-persona` for adapters that cannot be applied exactly */
export async function readAdapterFolder(folder: string): Promise<PeftAdapter> {
  const config = new TextDecoder().decode(await readFileBounded(join(folder, ADAPTER_CONFIG), MAX_CONFIG_BYTES))
  const file = await openTensors(folder)
  try {
    if (file.byteLength > MAX_TENSOR_BYTES) {
      throw new PalignError('malformed-file', `adapter has ${file.byteLength} bytes, at most ${MAX_TENSOR_BYTES} are read`)
    }
    return await readPeft(config, file)
  } catch (error) {
    if (error instanceof PalignError) {
      const { code, hint, message } = error
      throw new PalignError(code, `folder ${folder}: ${message}`, { cause: error, ...(hint !== undefined && { hint }) })
    }
    throw error
  } finally {
    await file.close()
  }
}

async function openTensors(folder: string): ReturnType<typeof openFile> {
  try {
    return await openFile(join(folder, ADAPTER_TENSORS))
  } catch (error) {
    if ((await readdir(folder)).includes('adapter_model.bin')) {
      throw new PalignError('not-found', `folder ${folder} has its adapter in adapter_model.bin, which runs code when read`, {
        hint: 'save the adapter again with save_pretrained: it writes safetensors',
        cause: error,
      })
    }
    throw error
  }
}
