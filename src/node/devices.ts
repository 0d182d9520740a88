/** @file The devices of ONNX Runtime: which there are here, how a session is opened on one, and how what one lacks is got. */
import { type InferenceSession, listSupportedBackends } from 'onnxruntime-node'
import type { GraphKind } from '../engine/open-engine.ts'
import { PalignError } from '../errors.ts'
import { DEVICES, type Device } from './device-names.ts'

/** What a device needs, and how to get it. */
export const DEVICE_NEEDS: Readonly<Record<Device, string>> = {
  cpu: 'cpu comes with onnxruntime-node',
  webgpu: 'webgpu comes with onnxruntime-node and needs the driver of a GPU, with Vulkan, Direct3D 12 or Metal',
  cuda: 'cuda needs Linux on x64, the driver of an NVIDIA GPU, CUDA 12, cuDNN 9, and the libraries that ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node fetches; where it differs from the CPU by about 1e-3, set NVIDIA_TF32_OVERRIDE=0',
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
    return backend === undefined ? [] : [backend.bundled ? name : `${name} with libraries of its own`]
  })
  throw new PalignError(
    'invalid-input',
    `device ${device} is not offered by ONNX Runtime on ${process.platform} ${process.arch}, which has ${there.join(', ')}`,
    { hint: DEVICE_NEEDS[device] },
  )
}

function isDevice(name: string): name is Device {
  return (DEVICES as readonly string[]).includes(name)
}

/** An operator that the device lacks is computed on the CPU by ONNX Runtime itself. */
export function sessionOptionsOf(device: Device): InferenceSession.SessionOptions {
  const options = { executionProviders: [device] }
  // DirectML plans memory by itself and runs one operator after the other.
  return device === 'dml' ? { ...options, enableMemPattern: false, executionMode: 'sequential' } : options
}

export function graphsOf(device: Device): GraphKind {
  return device === 'cpu' ? 'fused' : 'plain'
}
