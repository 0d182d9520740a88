/** @file What `palign export` can write: models with the persona in them, and files that carry it as vectors. */
import { VECTOR_FORMATS } from '../export/vector-formats.ts'
import { EXPORT_TARGETS } from '../node/export-targets.ts'

export const EXPORT_CHOICES: readonly string[] = [...EXPORT_TARGETS, ...Object.keys(VECTOR_FORMATS)]
