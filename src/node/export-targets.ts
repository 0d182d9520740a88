/** @file Names of the programs and formats that a model with a persona in it is written for. */

export const EXPORT_TARGETS = ['hf', 'gguf', 'ollama', 'onnx'] as const
export type ExportTargetName = (typeof EXPORT_TARGETS)[number]

export function isExportTarget(name: string): name is ExportTargetName {
  return (EXPORT_TARGETS as readonly string[]).includes(name)
}
