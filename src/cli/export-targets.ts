/** @file What `palign export` can write. */
import type { ExportTargetName } from '../node/export-persona.ts'

export const BAKED_TARGETS = ['hf', 'gguf', 'ollama', 'onnx'] as const satisfies readonly ExportTargetName[]

export const EXPORT_CHOICES: readonly string[] = BAKED_TARGETS
