/** @file Results as they are read back from JSON: every kind has its schema, a wrong field is named. */
import type { z } from 'zod'
import { PalignError } from '../errors.ts'

/**
 * @param what a result of this kind is, for the message
 * @param command that writes such results
 * @throws PalignError `malformed-file` naming the first field that is wrong
 */
export function parseStored<T>(schema: z.ZodType<T>, json: unknown, what: string, command: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PalignError('malformed-file', `result is no ${what}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`, {
    hint: `give the file that ${command} --out wrote`,
  })
}
