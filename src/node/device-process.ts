/** @file Process that tries a device for `testDevice`: one request, one answer. If the driver crashes, it crashes here. */
import { deviceSelfTest } from '../engine/device-self-test.ts'
import { PalignError } from '../errors.ts'
import type { DeviceTest, DeviceVerdict } from './devices.ts'
import { readModelFolder } from './model-folder.ts'
import { ortRuntime } from './ort-runtime.ts'

async function verdictOn({ device, folder, contextLength, threads }: DeviceTest): Promise<DeviceVerdict> {
  try {
    const { config, files } = await readModelFolder(folder)
    const weights = { folder, files: files.map(({ name }) => name), threads }
    await deviceSelfTest({
      device,
      config,
      files,
      contextLength,
      cpu: ortRuntime(weights),
      runtime: ortRuntime({ ...weights, device }),
    })
    return { kind: 'passed' }
  } catch (error) {
    if (!(error instanceof PalignError)) return { kind: 'failed', code: 'engine-failed', message: String(error), hint: undefined }
    const { code, message, hint } = error
    return { kind: 'failed', code, message, hint }
  }
}

process.once('message', async (test: DeviceTest) => {
  process.send?.(await verdictOn(test))
})
