/** @file What a key may do. Nothing is imported here, so that the command line can name scopes without loading the server. */

export const SCOPES = ['chat', 'personas:read', 'personas:write', 'align', 'admin'] as const
export type Scope = (typeof SCOPES)[number]
