/** @file Names of the devices that a model can be computed on. Imports nothing, so that a command line may list them before a runtime is loaded. */

export const DEVICES = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const
export type Device = (typeof DEVICES)[number]
