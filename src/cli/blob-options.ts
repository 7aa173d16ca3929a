/** The options by which sign and check are about a plain file, and what does not go with them. */
import type { Argv } from 'yargs'
import { usage } from './context.ts'

export interface BlobArgs {
  blob: boolean
  'media-type': string | undefined
}

function withBlob<T>(yargs: Argv<T>, what: string): Argv<T & BlobArgs> {
  return yargs
    .option('blob', { type: 'boolean', default: false, describe: what })
    .option('media-type', { type: 'string', requiresArg: true, describe: 'of the file (with --blob)' })
}

export interface BlobSignArgs extends BlobArgs {
  output: string | undefined
}

export function withBlobToSign<T>(yargs: Argv<T>): Argv<T & BlobSignArgs> {
  return withBlob(yargs, '<ref> is a plain file; the signature is written to <ref>.jws.sig or .cose.sig').option(
    'output',
    { alias: 'o', type: 'string', requiresArg: true, describe: 'another name for the signature file (with --blob)' },
  )
}

export interface BlobCheckArgs extends BlobArgs {
  signature: string | undefined
  statement: string | undefined
}

export function withBlobToCheck<T>(yargs: Argv<T>): Argv<T & BlobCheckArgs> {
  return withBlob(yargs, '<ref> is a plain file; trustpolicy.blob.json speaks for it')
    .option('signature', { type: 'string', requiresArg: true, describe: 'NAME.jws.sig or NAME.cose.sig (with --blob)' })
    .option('statement', {
      type: 'string',
      requiresArg: true,
      describe: 'of trustpolicy.blob.json; else the global one (with --blob)',
    })
}

/**
 * Throws USAGE for what is about the other kind: an option that decides nothing would be taken for one that did.
 * @param files - options for plain files, by name, undefined when they are not given
 * @param artifacts - options for artifacts, likewise
 */
export function demandKind(blob: boolean, files: Record<string, unknown>, artifacts: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(blob ? artifacts : files))
    if (value !== undefined && value !== false)
      throw usage(`--${name}`, blob ? 'it is for artifacts, and does not go with --blob' : 'it goes with --blob')
}
