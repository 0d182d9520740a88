/** @file What an export target is to the exporter: something that writes a displacement into files, and the programs that run them. */
import type { Distributions, Precision, Probe } from '../export/verification.ts'
import type { Displacement } from '../model/displacement.ts'

/** An export, running in a program it is for. */
export interface OpenedExport {
  /** Name and version of the program. */
  readonly program: string
  distributions(probes: readonly Probe[]): Promise<Distributions>
  /** The program's own tokens of a text, with those it adds at the ends; absent where it tokenises nothing. */
  readonly encode?: ((text: string) => Promise<readonly number[]> | readonly number[]) | undefined
  dispose(): Promise<void>
}

export interface OpenedExports {
  readonly opened: readonly OpenedExport[]
  /** Programs that are not installed, and how to install them. */
  readonly missing: readonly string[]
}

export interface ExportTarget {
  readonly kind: 'file' | 'folder'
  readonly precision: Precision
  /** Where the note about the verification lies, below the folder; empty for a file. */
  readonly noteIn: string
  /** What became of the persona, for the result. */
  readonly facts: Readonly<Record<string, string>>
  /** Writes the export with this displacement at a path that does not exist. */
  write(path: string, displacement: Displacement): Promise<void>
  /**
   * Where the export holds no persona but takes one: the same with this displacement as what it would be given, so that it can be run in programs that cannot feed it.
   */
  readonly writeTrial?: ((path: string, displacement: Displacement) => Promise<void>) | undefined
  open(path: string): Promise<OpenedExports>
}
