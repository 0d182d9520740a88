/** @file Where and along what a persona moves one head. */
import type { HeadId } from '../model/shape.ts'
import type { Direction } from '../probes/direction.ts'

export interface Intervention extends HeadId, Direction {}
