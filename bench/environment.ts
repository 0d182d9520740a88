/** @file What a stored number must carry: commit, machine, versions. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

export interface Environment {
  readonly commit: string
  /** Whether files differed from the commit. */
  readonly modified: boolean
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
}

export function environment(): Environment {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  return {
    commit: git('rev-parse', 'HEAD'),
    modified: git('status', '--porcelain', '--', 'src', 'bench') !== '',
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  }
}
