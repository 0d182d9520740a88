/** @file Export to a folder for `ollama create`: a GGUF file and a Modelfile. The file is verified in llama.cpp, which is what Ollama runs. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { affixesOf, modelfile } from '../export/modelfile.ts'
import type { Message } from '../model/messages.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { type GgufTargetOptions, ggufTarget } from './export-gguf.ts'
import type { ExportTarget } from './export-target.ts'
import { type ModelText, readEndTokens, readModelText, renderChat } from './model-text.ts'
import { decodeText, readFileBounded } from './read-file.ts'
import { templateRenderer } from './template-renderer.ts'

const MODEL = 'model.gguf'
const MAX_LICENSE_BYTES = 1 << 20

export interface OllamaTargetOptions extends Omit<GgufTargetOptions, 'withoutTokenizer'> {
  readonly system: string | undefined
}

export async function ollamaTarget({ system, ...options }: OllamaTargetOptions): Promise<ExportTarget> {
  const gguf = await ggufTarget(options)
  const text = await readModelText(options.folder)
  const affixes = text.chatTemplate === undefined ? undefined : await templateAffixes(text)
  const endTokens = await readEndTokens(options.folder)
  const content = modelfile({
    model: MODEL,
    affixes,
    bos: text.variables.bos_token ?? '',
    system,
    stop: await tokenTexts(options.folder, endTokens),
    license: await licenseOf(options.folder),
  })
  return {
    ...gguf,
    kind: 'folder',
    noteIn: MODEL,
    facts: { ...gguf.facts, template: affixes === undefined ? 'not carried' : 'carried' },
    async write(path, displacement) {
      await mkdir(path, { recursive: true })
      await gguf.write(join(path, MODEL), displacement)
      await writeFileAtomic(join(path, 'Modelfile'), content)
    },
    open: (path) => gguf.open(join(path, MODEL)),
  }
}

async function templateAffixes(text: ModelText) {
  const renderer = templateRenderer(() => new Worker(new URL('./template-worker.js', import.meta.url)))
  const render = async (messages: readonly Message[]) =>
    (await renderChat(text, renderer, messages, '')).map(({ text: part }) => part).join('')
  try {
    // A template that refuses a conversation, such as one with a system message, is none that has affixes.
    return await affixesOf(render).catch(() => undefined)
  } finally {
    await renderer.dispose()
  }
}

async function tokenTexts(folder: string, ids: readonly number[]): Promise<string[]> {
  const path = join(folder, 'tokenizer.json')
  const { added_tokens: added = [] } = JSON.parse(decodeText(await readFileBounded(path, 64 << 20), path)) as {
    readonly added_tokens?: readonly { readonly id: number; readonly content: string }[]
  }
  return added.flatMap(({ id, content }) => (ids.includes(id) ? [content] : []))
}

async function licenseOf(folder: string): Promise<string | undefined> {
  const name = (await readdir(folder)).find((file) => /^LICEN[CS]E/.test(file))
  return name === undefined ? undefined : decodeText(await readFileBounded(join(folder, name), MAX_LICENSE_BYTES), name)
}
