/** @file The front door: explicit names in the order of the flow. */
export { PalignError, type PalignErrorCode } from './errors.ts'
export { IPIP_NEO_120, IPIP_NEO_300 } from './items/ipip-neo.ts'
