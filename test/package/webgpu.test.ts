/**
 * @file WebGPU for real, on the software driver that comes with Chromium (SwiftShader): the provider, its shaders and our graphs are those of a GPU, only slower.
 * In processes of their own, since a driver that crashes takes its process along. Where there is no such driver these tests skip, by name.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const CHROMIUM = process.env.CHROMIUM_FOLDER ?? '/usr/lib/chromium'
const driver = `${CHROMIUM}/vk_swiftshader_icd.json`
const hasDriver = existsSync(driver) && existsSync(`${CHROMIUM}/libvulkan.so.1`)

const run = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  promisify(execFile)('node', args, { env: { ...process.env, ...env }, timeout: 110_000 })

/** Both names: loaders of Vulkan before 1.3.207 know the second only. */
const SOFTWARE = { LD_LIBRARY_PATH: CHROMIUM, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver }
const NOWHERE = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' }

describe.skipIf(!hasDriver)('a model on webgpu (needs the software driver of Chromium)', () => {
  it('answers as on the CPU, steered and unsteered', async () => {
    const { stdout } = await run(['test/fixtures/device-answers.mjs', 'models/respondent', 'webgpu'], SOFTWARE)
    const { differences, effect } = JSON.parse(stdout) as { differences: Record<string, number>; effect: number }
    expect(Object.keys(differences)).toHaveLength(8)
    // Logits of up to about 20: seen are 1.2e-5.
    expect(Object.entries(differences).filter(([, difference]) => !(difference < 2e-4))).toEqual([])
    expect(effect).toBeGreaterThan(1)
  })
})

describe.skipIf(process.platform !== 'linux')('a device that cannot be used (on Linux)', () => {
  const inspect = (device: string) => run(['dist/cli/main.js', 'inspect', 'models/respondent', '--device', device], NOWHERE)

  it('is refused with what ONNX Runtime has and what the device needs', async () => {
    await expect(inspect('coreml')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /device coreml is not offered by ONNX Runtime on linux .* which has cpu.*\n.*coreml needs macOS/,
      ),
    })
  })

  it('for want of a driver is refused with what it needs, not replaced by the CPU', async () => {
    await expect(inspect('webgpu')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/device webgpu: session cannot be opened: .*\n.*needs the driver of a GPU/),
    })
  })
})
