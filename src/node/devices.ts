/**
 * @file The devices of ONNX Runtime: which there are, how a session is opened on one, and the test that one must pass. The test runs in a process of its own:
 * a driver that crashes takes the process with it, and that must be one that holds nothing.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type InferenceSession, listSupportedBackends } from 'onnxruntime-node'
import type { GraphKind } from '../engine/open-engine.ts'
import { PalignError, type PalignErrorCode } from '../errors.ts'
import { DEVICES, type Device } from './device-names.ts'

/** How to get what a device needs. */
const NEEDS: Readonly<Record<Device, string>> = {
  cpu: 'cpu needs nothing',
  webgpu: 'webgpu comes with onnxruntime-node and needs the driver of a GPU, with Vulkan, Direct3D 12 or Metal',
  cuda: 'cuda needs Linux on x64, the driver of an NVIDIA GPU, CUDA 12 and cuDNN 9, and the libraries that ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node fetches; where products differ by about 1e-3, set NVIDIA_TF32_OVERRIDE=0',
  coreml: 'coreml needs macOS',
  dml: 'dml needs Windows with DirectX 12',
}

export interface Backend {
  readonly name: string
  /** Whether its libraries come with the package. */
  readonly bundled: boolean
}

/** @throws PalignError `invalid-input` for a name that is none, or that ONNX Runtime does not have on this platform: says what there is */
export function assertDevice(device: string, backends: readonly Backend[] = listSupportedBackends()): asserts device is Device {
  if (!isDevice(device)) {
    throw new PalignError('invalid-input', `device is ${device.slice(0, 100)}, expected one of ${DEVICES.join(', ')}`)
  }
  if (device === 'cpu' || backends.some(({ name }) => name === device)) return
  const there = DEVICES.flatMap((name) => {
    const backend = backends.find((candidate) => candidate.name === name)
    return backend === undefined ? [] : [backend.bundled ? name : `${name} (with libraries of its own)`]
  })
  throw new PalignError(
    'invalid-input',
    `device ${device} is not offered by ONNX Runtime on ${process.platform} ${process.arch}, which has ${there.join(', ')}`,
    { hint: NEEDS[device] },
  )
}

function isDevice(name: string): name is Device {
  return (DEVICES as readonly string[]).includes(name)
}

/** What an operator of ours that a device lacks does not keep it from: ONNX Runtime computes that one on the CPU. */
export function sessionOptionsOf(device: Device): InferenceSession.SessionOptions {
  const options = { executionProviders: [device] }
  // DirectML plans memory by itself and runs one operator after the other.
  return device === 'dml' ? { ...options, enableMemPattern: false, executionMode: 'sequential' } : options
}

export function graphsOf(device: Device): GraphKind {
  return device === 'cpu' ? 'fused' : 'plain'
}

export interface DeviceTest {
  readonly device: Device
  /** Of a model. */
  readonly folder: string
  readonly contextLength?: number | undefined
  readonly threads?: number | undefined
}

/** What the process of a test answers. */
export type DeviceVerdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly code: PalignErrorCode; readonly message: string; readonly hint: string | undefined }

export interface TestDeviceOptions extends DeviceTest {
  /** Default: the process that comes with the package. */
  readonly startProcess?: (() => ChildProcess) | undefined
  /** Default: five minutes, since a large model is read twice. */
  readonly patienceMs?: number | undefined
}

const startDeviceProcess = () =>
  fork(fileURLToPath(new URL('./device-process.js', import.meta.url)), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })

/**
 * Lets the first layers of the model run on the device and on the CPU (`engine/device-self-test.ts`).
 * @throws PalignError `engine-failed` where they differ, the device cannot be opened, or the process crashes; what reading the model throws
 */
export async function testDevice(options: TestDeviceOptions): Promise<void> {
  const { startProcess = startDeviceProcess, patienceMs = 300_000, ...test } = options
  const { device } = test
  const child = startProcess()
  try {
    const verdict = await verdictOf(child, test, patienceMs)
    if (verdict.kind === 'passed') return
    const { code, message, hint } = verdict
    throw new PalignError(code, message, { hint: code === 'engine-failed' ? `${hint ?? ''}; ${NEEDS[device]}` : (hint ?? '') })
  } finally {
    // Some drivers do not end by themselves; it holds nothing.
    child.kill('SIGKILL')
  }
}

/** Bytes of what a driver said last. */
const MOST_SAID = 2000

function verdictOf(child: ChildProcess, test: DeviceTest, patienceMs: number): Promise<DeviceVerdict> {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_SAID)
  })
  return new Promise((resolve, reject) => {
    const fail = (seen: string) => {
      clearTimeout(late)
      const cause = new Error(said)
      reject(new PalignError('engine-failed', `device ${test.device} ${seen}`, { hint: NEEDS[test.device], cause }))
    }
    const late = setTimeout(() => fail(`gave no answer to its test in ${patienceMs / 1000} seconds`), patienceMs)
    child.once('message', (verdict: DeviceVerdict) => {
      clearTimeout(late)
      resolve(verdict)
    })
    child.once('error', (error) => fail(`could not be tested: ${error.message}`))
    child.once('exit', (code, signal) => fail(`crashed the process that tried it (${signal ?? `status ${code}`})`))
    child.send(test)
  })
}
