/** @file Reads a JSON result on standard input and stores it in runs/results/NAME.json with commit, machine and versions. */
import { json } from 'node:stream/consumers'
import { environment } from '../bench/environment.ts'
import { writeFileAtomic } from '../src/node/atomic-write.ts'

const [name] = process.argv.slice(2)
if (name === undefined || !/^[a-z0-9][a-z0-9-]*$/.test(name)) throw new Error('usage: tsx runs/record.ts NAME < result.json')
const result = (await json(process.stdin)) as Record<string, unknown>
await writeFileAtomic(`runs/results/${name}.json`, `${JSON.stringify({ environment: environment(), ...result }, null, 2)}\n`)
