/** Where a bundle is to be, and what a run before this one left there. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { demandFolder } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Resolved } from '../place/gather.ts'
import { demandApprovals } from './approved-head.ts'
import type { Removed } from './removed-tags.ts'
import type { CarriedRevocation } from './revocation.ts'
import {
  partNames,
  readStopped,
  removeStopped,
  resolvedRecord,
  writeStopped,
  type StoppedExport,
} from './stopped-export.ts'
import { inputsOf, type ExportOptions, type ExportTerms } from './terms.ts'

/** What two runs must share to make the same bundle of the same content. */
export type Begun = Pick<StoppedExport, 'created' | 'sequence'>

export interface OutputPlace {
  /** Absolute; undefined for a stream. */
  file: string | undefined
  /** As errors name it. */
  name: string
  inputs: string
  /** The bundle has its name already: a run that was stopped behind that left its record, and what remains is to book it. */
  written: boolean
  /** The record of a stopped run with the same inputs. Whoever can write beside the output may have written it. */
  found: StoppedExport | undefined
}

function exists({ name }: Pick<OutputPlace, 'name'>): SallyportError {
  return new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: name })
}

/**
 * Looks at the place, and clears away what a run left that was killed when it had nothing else to do.
 * Throws OUTPUT_EXISTS, OUTPUT_FAILED where there is no folder for it, EXPORT_CHANGED for the leavings of a run that was asked for something else, USAGE for a head or an
 * approved head that does not go with the output, and as {@link demandApprovals}.
 */
export function openOutput(terms: ExportTerms, options: ExportOptions): OutputPlace {
  const { output, approved, headOnly } = options
  const dryRun = options.dryRun === true
  const file = typeof output === 'string' ? resolve(output) : undefined
  const name = typeof output === 'string' ? output : '-'
  if (file !== undefined) demandFolder(file)
  const inputs = inputsOf(terms, options)
  const found = file === undefined || dryRun ? undefined : readStopped(file)
  const written = file !== undefined && existsSync(file)
  // One that was killed between its record and what it had collected has nothing left to do but this.
  if (written && !dryRun && !existsSync(partNames(file).plan)) removeStopped(file, false)
  if (written && (found?.inputs !== inputs || existsSync(partNames(file).part))) throw exists({ name })
  if (found !== undefined && found.inputs !== inputs)
    throw new SallyportError('EXPORT_CHANGED', { side: 'state', subject: partNames(name).plan })
  if (approved !== undefined ? file !== undefined : headOnly === true && file === undefined)
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: approved === undefined ? '--head' : '--approved',
      detail: 'a head is written to a file, and a bundle streamed behind it',
    })
  // A stream can't be signed any more: nobody could approve what went out.
  if (file === undefined && !dryRun && approved === undefined) demandApprovals(1, terms, name)
  return { file, name, inputs, written, found }
}

/** Kept unless the bundle that has its name is another one than this run makes. Throws OUTPUT_EXISTS. */
export function demandSame({ file, name, written }: OutputPlace, same: boolean, size: number): void {
  if (file !== undefined && written && (!same || statSync(file).size !== size)) throw exists({ name })
}

export interface BegunBundle extends Begun {
  id: Digest
  resolved: Resolved
  removed: Removed
}

/** Leaves the record by which the next run makes this same bundle; what another run left is gone. Throws OUTPUT_FAILED, DISK_FULL. */
export async function beginAt(
  { file, inputs }: OutputPlace,
  { resolved, removed, created, sequence, id }: BegunBundle,
  revocation: CarriedRevocation | undefined,
): Promise<void> {
  if (file === undefined) return
  removeStopped(file, true)
  if (revocation !== undefined && revocation.kept.collected.length > 0)
    (await import('../collect/kept.ts')).writeKept(partNames(file).lists, revocation.kept)
  const record = { inputs, created, sequence, id, resolved: resolvedRecord(resolved), removed }
  writeStopped(file, { format: 'sallyport-part/1', ...record })
}
