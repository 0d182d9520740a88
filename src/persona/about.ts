/** @file What a persona says of itself beside how it acts: whose it is and how long it may be used, what it was found on, and what it was made of. */

/** The model at the time of fitting. The fingerprint alone decides where a persona may be used. */
export interface BaseModel {
  /** Of a hub, as `owner/name`. */
  readonly id?: string | undefined
  /** Commit, 40 hexadecimal digits. */
  readonly revision?: string | undefined
  /** sha256 of config.json. */
  readonly config?: string | undefined
  /** sha256 of tokenizer.json. */
  readonly tokenizer?: string | undefined
  /** sha256 of the text of the chat template. */
  readonly chatTemplate?: string | undefined
  /** Of the weight matrices, as safetensors calls it; several joined by +. */
  readonly dtype?: string | undefined
}

/** Another persona that this one was computed from. */
export interface Parent {
  /** Content hash. */
  readonly sha256: string
  /** What its own displacement was multiplied by. */
  readonly weight: number
}

export interface PersonaAbout {
  readonly base?: BaseModel | undefined
  /** Which items were known and which held out. */
  readonly split?: string | undefined
  readonly license?: string | undefined
  readonly owner?: string | undefined
  /** What the respondent agreed to, and when. */
  readonly consent?: { readonly version: string; readonly time: string } | undefined
  /** Times are ISO 8601 in UTC. */
  readonly created?: string | undefined
  /** From then on the persona is refused at use. */
  readonly expires?: string | undefined
  /** Errors on held-out items: mean absolute error by domain, summed. */
  readonly evaluation?:
    | { readonly items: number; readonly arms: readonly { readonly arm: string; readonly error: number }[] }
    | undefined
  readonly parents?: readonly Parent[] | undefined
}

/** The split of `splitItems`. */
export const SPLIT_OF_SHORT_FORM = 'ipip-neo-120 known, the other 180 of ipip-neo-300 held out'
