/** @file Properties are tried on the same cases in every run; `PALIGN_TEST_SEED=N` tries others. */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.PALIGN_TEST_SEED ?? 20_261_124) })
