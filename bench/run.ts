/** @file `npm run bench [name...]`: runs the benches and stores their numbers in runs/results/. */
import { writeFileAtomic } from '../src/node/atomic-write.ts'
import { benchDecode, benchPrefix } from './decode.bench.ts'
import { environment } from './environment.ts'
import { benchPeople } from './people.bench.ts'
import { benchProbes, correlatedRows, independentRows } from './probes.bench.ts'
import { benchQuantised } from './quantised.bench.ts'
import { benchServe } from './serve.bench.ts'
import { benchTraining } from './training.bench.ts'

const BENCHES = {
  decode: () => benchDecode(),
  prefix: () => benchPrefix(),
  probes: () => ({
    correlated: benchProbes({ makeRows: correlatedRows }),
    independent: benchProbes({ makeRows: independentRows }),
  }),
  people: () => benchPeople(),
  training: () => benchTraining(),
  serve: () => benchServe(),
  quantised: () => benchQuantised(),
} as const
type Name = keyof typeof BENCHES

process.env.ORT_DISABLE_TELEMETRY ??= '1'

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in BENCHES))
if (unknown.length > 0) throw new Error(`no bench named ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`)

for (const name of (asked.length > 0 ? asked : Object.keys(BENCHES)) as Name[]) {
  console.error(`${name} ...`)
  const measured = await BENCHES[name]()
  // A bench that lacks what it compares with has said so, and leaves the stored result alone.
  if (measured === undefined) continue
  const result = { bench: name, ...environment(), result: measured }
  console.log(JSON.stringify(result, null, 2))
  await writeFileAtomic(`runs/results/bench-${name}.json`, `${JSON.stringify(result, null, 2)}\n`)
}
