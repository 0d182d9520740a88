/** @file The tables of a store, in the order in which they came: what belongs to one file or one database. */
import { POSTGRES_JOBS } from './postgres-jobs.ts'
import { POSTGRES_RECORDS } from './postgres-records.ts'
import { POSTGRES_UNITS } from './postgres-units.ts'
import { SQLITE_JOBS } from './sqlite-jobs.ts'
import { SQLITE_RECORDS } from './sqlite-records.ts'

/** Jobs and records. Units of an evaluation have a file of their own, which readers may keep busy while answers are deleted here. */
export const SQLITE_MIGRATIONS = [[SQLITE_JOBS, SQLITE_RECORDS].join(';\n')] as const

export const POSTGRES_MIGRATIONS = [[POSTGRES_UNITS, POSTGRES_JOBS, POSTGRES_RECORDS].join(';\n')] as const
