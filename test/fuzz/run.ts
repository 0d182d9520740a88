/** @file `npm run fuzz [format...]`: a million damaged files for each reader; what came of it is stored in runs/results/fuzz-formats.json. `PALIGN_FUZZ_INPUTS` says how many. */
import { environment } from '../../bench/environment.ts'
import { writeFileAtomic } from '../../src/node/atomic-write.ts'
import { type FuzzResult, fuzz } from './fuzz.ts'
import { FUZZ_TARGETS } from './targets.ts'

const SEED = 20_261_125
const inputs = Number(process.env.PALIGN_FUZZ_INPUTS ?? 1_000_000)
const asked = process.argv.slice(2)
const results: Record<string, FuzzResult> = {}
for (const [name, target] of Object.entries(FUZZ_TARGETS)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const began = performance.now()
  results[name] = await fuzz(target(), {
    inputs,
    seed: SEED,
    onProgress: (done) => done % 100_000 === 0 && console.error(`${name}: ${done} of ${inputs}`),
  })
  console.error(`${name}: ${JSON.stringify(results[name])}, ${Math.round((performance.now() - began) / 1000)} s`)
}
if (asked.length === 0) {
  const result = { environment: environment(), seed: SEED, results }
  await writeFileAtomic('runs/results/fuzz-formats.json', `${JSON.stringify(result, null, 2)}\n`)
}
