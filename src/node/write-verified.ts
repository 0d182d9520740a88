/**
 * @file A persona baked into a model for another program: written beside its place, run there against the steered engine, and put in its place only if both answer alike.
 * What ignores the persona is deleted: an export that answers fluently and unsteered is the failure that nobody notices.
 */
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { PalignError } from '../errors.ts'
import { type Compared, compareDistributions, type Distributions, faultOf, type Probe } from '../export/verification.ts'
import { fillNote, type Verification } from '../export/verification-note.ts'
import { TOKENIZER_TEXTS } from '../export/verification-prompts.ts'
import { type Displacement, zeroDisplacement } from '../model/displacement.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { prepareToWriteFolder } from './atomic-folder.ts'
import { makeFolder } from './atomic-write.ts'
import type { ExportTarget, OpenedExport } from './export-target.ts'
import { engineDistributions, verificationProbes } from './verify-engine.ts'

export interface VerifiedWrite {
  readonly target: ExportTarget
  /** File or folder to write; a folder must not exist, or be empty. */
  readonly to: string
  /** The model whose steered answers are the measure. */
  readonly model: LanguageModel
  readonly displacement: Displacement
  readonly system: string | undefined
  /** Whether to refuse what no installed program can run. */
  readonly requireVerified: boolean
  /** Of the verification, as an ISO date. */
  readonly date: string
}

/**
 * @throws PalignError `engine-failed` where the target does not answer as the steered engine: what was written is deleted; `not-found` where nothing is installed to verify
 * with and `requireVerified` is set; `invalid-input` for a place that cannot be written
 */
export async function writeVerified({ target, to, requireVerified, ...measure }: VerifiedWrite): Promise<Verification> {
  const path = resolve(to)
  if (target.kind === 'folder') await prepareToWriteFolder(path)
  // In a folder beside the place, under plain names: transformers.js takes no other.
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  await makeFolder(beside)
  try {
    const [fresh, zero] = ['export', 'zero'].map((name) =>
      join(beside, target.kind === 'file' ? name + extname(path) : name),
    ) as [string, string]
    await target.write(fresh, measure.displacement)
    const verification = await verify(target, { fresh, zero }, measure)
    if (verification.kind === 'unverified' && requireVerified) {
      throw new PalignError('not-found', `export cannot be verified: ${verification.reason}`, {
        hint: 'install the program, or leave out --require-verified',
      })
    }
    await writeNote(join(fresh, target.noteIn), verification)
    // A file is replaced as it is renamed; of a folder only an empty one may stand there.
    if (target.kind === 'folder') await rm(path, { recursive: true, force: true })
    await rename(fresh, path)
    return verification
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

type Measure = Pick<VerifiedWrite, 'model' | 'displacement' | 'system' | 'date'>

async function verify(
  target: ExportTarget,
  { fresh, zero }: { readonly fresh: string; readonly zero: string },
  { model, displacement, system, date }: Measure,
): Promise<Verification> {
  const probes = await verificationProbes(model, system)
  const base = await engineDistributions(model, probes)
  const steered = await engineDistributions(model, probes, displacement)
  // What takes its persona from outside is itself the export of alpha 0.
  const [steeredAt, zeroAt] = target.writeTrial === undefined ? [fresh, zero] : [zero, fresh]
  await target.writeTrial?.(steeredAt, displacement)
  const exported = await answersOf(target, steeredAt, { probes, model })
  if (exported.answers.length === 0) return { kind: 'unverified', reason: exported.missing.join('; ') }
  if (target.writeTrial === undefined) await target.write(zeroAt, zeroDisplacement(model.shape))
  const unsteered = await answersOf(target, zeroAt, { probes, model })
  let worst: Compared | undefined
  for (const [i, { program, distributions }] of exported.answers.entries()) {
    const compared: Compared = {
      exportToSteered: compareDistributions(distributions, steered),
      exportToBase: compareDistributions(distributions, base),
      steeredToBase: compareDistributions(steered, base),
      zeroToBase: compareDistributions(unsteered.answers[i]!.distributions, base),
    }
    const fault = faultOf(compared, target.precision)
    if (fault !== undefined) throw refused(program, fault)
    if (worst === undefined || compared.exportToSteered.totalVariation > worst.exportToSteered.totalVariation) worst = compared
  }
  return {
    kind: 'verified',
    target: exported.answers.map(({ program }) => program).join(', '),
    date,
    compared: worst!,
    places: probes.reduce((sum, { places }) => sum + places.length, 0),
  }
}

interface Answers {
  readonly answers: readonly { readonly program: string; readonly distributions: Distributions }[]
  readonly missing: readonly string[]
}

/** What every installed program answers; one at a time, since each holds the whole model. */
async function answersOf(
  target: ExportTarget,
  path: string,
  { probes, model }: { readonly probes: readonly Probe[]; readonly model: LanguageModel },
): Promise<Answers> {
  const { opened, missing } = await target.open(path)
  const answers: { program: string; distributions: Distributions }[] = []
  try {
    for (const program of opened) {
      await assertSameTokens(program, model)
      answers.push({ program: program.program, distributions: await program.distributions(probes) })
    }
  } finally {
    for (const { dispose } of opened) await dispose()
  }
  return { answers, missing }
}

async function assertSameTokens({ program, encode }: OpenedExport, model: LanguageModel): Promise<void> {
  if (encode === undefined) return
  for (const text of TOKENIZER_TEXTS) {
    const [theirs, ours] = [await encode(text), model.encode(text)]
    if (String(theirs) === String(ours)) continue
    const at = ours.findIndex((token, i) => token !== theirs[i])
    throw refused(
      program,
      `text ${JSON.stringify(text)} has other tokens there: ${theirs.slice(Math.max(0, at - 1), at + 3)} where the model has ${ours.slice(Math.max(0, at - 1), at + 3)}`,
    )
  }
}

function refused(program: string, fault: string): PalignError {
  return new PalignError('engine-failed', `export failed its verification in ${program} and was deleted: ${fault}`, {
    hint: 'choose another target or carrier; the table of docs/formats.md says what each program applies',
  })
}

/** The beginning of a file in which the note lies: headers of the largest models have a few tens of megabytes. */
const MOST_NOTE_BYTES = 64 << 20

async function writeNote(path: string, verification: Verification): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const bytes = new Uint8Array(Math.min(MOST_NOTE_BYTES, (await file.stat()).size))
    await file.read(bytes, 0, bytes.length, 0)
    const before = bytes.slice()
    fillNote(bytes, verification)
    const start = bytes.findIndex((byte, i) => byte !== before[i])
    const end = bytes.findLastIndex((byte, i) => byte !== before[i]) + 1
    if (start >= 0) await file.write(bytes, start, end - start, start)
    await file.sync()
  } finally {
    await file.close()
  }
}
