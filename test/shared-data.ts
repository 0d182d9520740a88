/** @file The research data beside the repository, when present. Tests skip what needs it, by name. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../../shared/data')

export const hasSharedData = existsSync(folder)

export function sharedPath(name: string): string {
  return resolve(folder, name)
}

export function sharedBytes(name: string): Uint8Array {
  return readFileSync(sharedPath(name))
}

export function sharedJson(name: string): unknown {
  return JSON.parse(readFileSync(sharedPath(name), 'utf8'))
}
