/** @file `palign persona`: personas that a server or a store keeps. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { ExportedPersona, StoredPersona } from '../client/index.ts'
import { PalignError } from '../errors.ts'
import { prepareAdapterFolder } from '../node/adapter-folder.ts'
import { prepareToWrite, writeFileAtomic } from '../node/atomic-write.ts'
import { unpackPersona } from '../node/persona-bundle.ts'
import { type KeptOptions, requireForce, withKept } from './kept.ts'
import { print, printJson } from './output.ts'

export async function listPersonasCommand(options: KeptOptions): Promise<void> {
  const personas = await withKept(options, (client) => client.personas.list())
  if (options.json) return printJson(personas)
  for (const persona of personas) print(`${persona.id}  ${persona.method}  ${stateOf(persona)}  since ${persona.created}`)
}

export async function showPersonaCommand(id: string, options: KeptOptions): Promise<void> {
  const persona = await withKept(options, (client) => client.personas.get(id))
  if (options.json) return printJson(persona)
  const { ref, owner, method, alpha, heads, model, sha256, respondent, created, expires, evaluation } = persona
  print(`${persona.id}  ${stateOf(persona)}`)
  print(`  where       ${ref} of ${owner}`)
  print(`  method      ${method}${alpha === null ? '' : `, alpha ${alpha} on ${heads.length} heads`}`)
  print(`  model       ${model.slice(0, 12)}`)
  print(`  content     sha256 ${sha256.slice(0, 12)}`)
  print(`  respondent  ${respondent}`)
  print(`  kept        since ${created}${expires === null ? '' : `, until ${expires}`}`)
  if (evaluation === null) return
  print(`  error       sum of five domains, on ${evaluation.items} held-out items`)
  for (const { arm, corrected } of evaluation.arms) print(`    ${arm.padEnd(16)} ${corrected.sum.toFixed(3)}`)
}

function stateOf({ state, reason, steers }: StoredPersona): string {
  if (state === 'failed') return `failed: ${reason}`
  return steers ? 'ready' : 'ready, does not steer: alpha is 0'
}

export async function exportPersonaCommand(id: string, options: KeptOptions & { readonly out: string }): Promise<void> {
  const exported = await withKept(options, (client) => client.personas.export(id))
  // What is no persona of ours is not written, wherever it came from.
  await unpackPersona({ format: 1, files: exported.files })
  await write(options.out, exported)
  if (options.json) printJson({ persona: options.out, sha256: exported.sha256 })
  else print(`persona written to ${options.out}`)
}

async function write(out: string, { sha256, files }: ExportedPersona): Promise<void> {
  const contents = files.map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, 'base64') }))
  const isWhole = contents.some(({ bytes }) => createHash('sha256').update(bytes).digest('hex') === sha256)
  if (!isWhole) throw new PalignError('malformed-file', 'persona came with another content than its sha256 says')
  if (contents.length === 1) {
    await prepareToWrite(out)
    return writeFileAtomic(out, contents[0]!.bytes)
  }
  await prepareAdapterFolder(out)
  for (const { name, bytes } of contents) await writeFileAtomic(join(out, name), bytes)
}

export async function deletePersonaCommand(
  id: string,
  options: KeptOptions & { readonly force?: boolean; readonly answers?: boolean },
): Promise<void> {
  const { answers, json } = options
  requireForce(options, answers ? `persona ${id}, with the answers and everything made of them,` : `persona ${id}`)
  const removed = await withKept(options, (client) => client.personas.delete(id, { answers }))
  if (json) return printJson(removed)
  const { personas, evaluations, jobs } = removed
  print(`deleted: ${personas} personas, ${evaluations} evaluations, ${jobs} jobs${removed.answers > 0 ? ', the answers' : ''}`)
}
