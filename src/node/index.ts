/** @file The front door on Node: everything of `index.ts`, and what needs files and a runtime. */
export * from '../index.ts'
export { type LoadModelOptions, loadModel } from './load-model.ts'
export { readPersona, writePersona } from './persona-file.ts'
export { readSd3Key } from './read-sd3-key.ts'
