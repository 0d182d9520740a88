/** @file A PostgreSQL server of its own for a test file, where Debian's programs are installed: a socket in a temporary folder, with a password. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

export const PASSWORD = 'a-password-that-nobody-may-see'

const root = '/usr/lib/postgresql'
const programs = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
const bin = programs.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))

/** What is missing for a server; undefined where nothing is. */
export const POSTGRES_MISSING = bin === undefined ? `no initdb and postgres below ${root}` : undefined

export interface TestPostgres {
  /** Address of a new, empty database. */
  database(): Promise<string>
  stop(): Promise<void>
}

export async function startPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'palign-pg-'))
  const user = unprivileged()
  const data = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD)
  if (user !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid)
  const setUp = ['-D', data, '-U', 'palign', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--no-sync']
  execFileSync(join(bin!, 'initdb'), setUp, { ...user, cwd: folder, stdio: 'ignore' })
  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=60']
  const server = spawn(join(bin!, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  })
  const address = (name: string) => `postgres://palign:${PASSWORD}@localhost/${name}?host=${encodeURIComponent(folder)}`
  let databases = 0
  await firstAnswer(address('postgres'), server)
  return {
    async database() {
      const name = `palign_${databases++}`
      await query(address('postgres'), `CREATE DATABASE ${name}`)
      return address(name)
    },
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      // Without waiting for clients.
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** The server refuses to run as root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [, , uid, gid] = /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  return uid === undefined ? { uid: 65534, gid: 65534 } : { uid: Number(uid), gid: Number(gid) }
}

async function firstAnswer(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (server.exitCode !== null) break
    try {
      await query(url, 'SELECT 1')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  throw new Error('PostgreSQL did not start')
}
