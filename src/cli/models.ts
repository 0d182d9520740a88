/** @file `palign models`: what was pulled from hubs, and its removal. */
import { cacheFolder } from '../node/activation-cache.ts'
import { hubAt } from '../node/hub-request.ts'
import { listPulledModels, removePulledModel } from '../node/pulled-models.ts'
import { interruptSignal, note, print, printJson } from './output.ts'
import { sizeText } from './pull.ts'

export async function listModelsCommand({ json }: { readonly json?: boolean }): Promise<void> {
  const { models, damaged } = await listPulledModels(cacheFolder(process.env))
  for (const folder of damaged) note(`folder ${folder} has no lock that can be read: delete it and pull the model again`)
  if (json) {
    printJson(models)
    return
  }
  if (models.length === 0) note('no model was pulled; get one with palign pull owner/name')
  for (const { id, commit, bytes, licence, folder } of models)
    print(`${id}  ${commit.slice(0, 12)}  ${sizeText(bytes)}  ${licence ?? 'licence not stated'}  ${folder}`)
}

export async function removeModelCommand(id: string, options: { readonly hub?: string; readonly json?: boolean }): Promise<void> {
  const hub = hubAt(options.hub ?? (process.env.HF_ENDPOINT || undefined)).address
  const onWait = () => note('waiting for another process that works on the same folder')
  const removed = await removePulledModel(id, { cache: cacheFolder(process.env), hub, signal: interruptSignal(), onWait })
  if (options.json) printJson({ removed })
  else for (const folder of removed) print(`${folder} is removed`)
}
