/**
 * @file No data leave the machine. Since 1.29 the official builds of ONNX Runtime report usage (model file and graph names among it) to
 * their maker unless ORT_DISABLE_TELEMETRY is set in the process before the runtime starts; it reads the variable once.
 */
import { isMainThread } from 'node:worker_threads'
import { PalignError } from '../errors.ts'

/**
 * Call before the runtime starts. A value that the user has set, whatever it is, stands.
 * @throws PalignError `engine-failed` in a worker thread, whose `process.env` is a copy that the runtime never sees
 */
export function refuseTelemetry(): void {
  if (process.env.ORT_DISABLE_TELEMETRY !== undefined) return
  if (!isMainThread) {
    throw new PalignError('engine-failed', 'telemetry of ONNX Runtime cannot be switched off from a worker thread', {
      hint: 'load models on the main thread, or start the program with ORT_DISABLE_TELEMETRY=1',
    })
  }
  process.env.ORT_DISABLE_TELEMETRY = '1'
}
