/** Plain files that must pass: every format by every algorithm, signed by each side, with a timestamp and without. */
import { KEY_KINDS } from '../setup/certificates.ts'
import { acceptFile, signedFile } from './blob-case.ts'
import { FORMATS } from './case.ts'

export const BLOB_GOOD_CASES = FORMATS.flatMap((format) =>
  KEY_KINDS.flatMap((kind) =>
    (['us', 'notation'] as const).flatMap((by) => [
      acceptFile(`${format} by ${kind}, signed by ${by}`, (world) => signedFile(world, { format, kind, by })),
      acceptFile(`${format} by ${kind}, signed by ${by}, with a timestamp`, (world) =>
        signedFile(world, { format, kind, by, stamped: true }),
      ),
    ]),
  ),
)
