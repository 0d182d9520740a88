/** @file `palign pull`: a model of a hub into a folder, with size, publisher and licence told before the first byte. */

import { cacheFolder } from '../node/activation-cache.ts'
import type { LockHolder } from '../node/exclusive-lock.ts'
import { hubAt, readHubToken } from '../node/hub-request.ts'
import { type PulledFolder, type PullPlan, pulledModel, pullModel } from '../node/pull-model.ts'
import { interruptSignal, note, print, printJson, stage } from './output.ts'

export interface PullCommandOptions {
  readonly hub?: string
  readonly tokenFile?: string
  readonly file?: readonly string[]
  readonly out?: string
  readonly dryRun?: boolean
  readonly offline?: boolean
  readonly verify?: boolean
  readonly json?: boolean
}

const SHOWN_LEFT_OUT = 8

export async function pullCommand(id: string, options: PullCommandOptions): Promise<void> {
  const { out, file: files, verify, json = false } = options
  const cache = cacheFolder(process.env)
  const address = options.hub ?? (process.env.HF_ENDPOINT || undefined)
  const isOffline = options.offline === true || /^(1|on|yes|true)$/i.test(process.env.HF_HUB_OFFLINE ?? '')
  if (isOffline) {
    show(await pulledModel(id, { cache, hub: hubAt(address).address, out, files, verify }), json)
    return
  }
  const hub = hubAt(address, await readHubToken(options.tokenFile, process.env))
  const signal = interruptSignal()
  let progress: ReturnType<typeof stage> | undefined
  const pulled = await pullModel(id, {
    hub,
    cache,
    out,
    files,
    dryRun: options.dryRun,
    signal,
    onPlan: tellPlan,
    onWait: tellHolder,
    onProgress: ({ done, total }) => {
      progress ??= stage(`downloading ${id}, in MB`)
      progress.update({ done: inMegabytes(done), total: inMegabytes(total) })
    },
  })
  progress?.end()
  if (options.dryRun) note('nothing was downloaded')
  else if (pulled.downloadedBytes === 0) note('everything was here already, and is what it was')
  show(pulled, json)
}

function show(pulled: PulledFolder, json: boolean): void {
  if (json) printJson(pulled)
  else print(pulled.folder)
}

function tellPlan({ hub, id, revision, commit, publisher, licence, files, bytes, leftOut }: PullPlan): void {
  note(`${id} of ${new URL(hub).host} at ${revision}, which is commit ${commit}`)
  note(`published by ${publisher}, licence ${licence ?? 'not stated'}; ${files.length} files, ${sizeText(bytes)}`)
  for (const { path, why } of leftOut.slice(0, SHOWN_LEFT_OUT)) note(`left out: ${JSON.stringify(path).slice(1, -1)}, ${why}`)
  if (leftOut.length > SHOWN_LEFT_OUT) note(`left out: ${leftOut.length - SHOWN_LEFT_OUT} more`)
}

function tellHolder(holder: LockHolder | undefined, path: string): void {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`
  note(`waiting for ${who}, which works on the same folder; if it is gone for good, delete ${path}`)
}

export function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`
}

const inMegabytes = (bytes: number) => Math.round(bytes / 1e5) / 10
