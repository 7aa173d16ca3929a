/** Which rejected bundles are judged in memory only: each file costs 55 KiB, most of it the slots of its head. */
import type { RejectVector } from './vector.ts'

const SPARE: Readonly<Partial<Record<RejectVector['code'], string>>> = {
  TAR_NAME: 'dot-segments leading-dot backslash drive upper-case unknown-algorithm two-channels-in-one not-ascii',
  TAR_TYPE:
    'character-device block-device fifo old-file-type contiguous gnu-multi-volume pax-path-of-sha256 pax-before-long-name',
  TAR_HEADER: 'time owner gnu-magic',
  TAR_SIZE: 'base-256-beyond-2-53 space-padded payload-shorter',
  TAR_ORDER: 'payload-before-law no-root no-snapshot sha512sums-nobody-promised',
  TAR_TRUNCATED: 'half-an-end-mark inside-timestamp empty-file',
  TAR_END: 'zero-block-in-the-head',
  TAR_TRAILING: 'zero-record',
  LIMIT_EXCEEDED: 'root-slot targets-slot too-many-roots thousand-targets',
  METADATA_MALFORMED: 'length-is-no-slot snapshot-without-our-hash expiry-with-fraction snapshot-with-hash-of-file',
  SIGNATURE_INVALID: 'nobody-of-the-channel targets-unsigned',
  EXPIRED: 'snapshot',
  ROLLBACK: 'older-targets-named',
  APPROVAL_MISSING: 'second-is-no-person',
  TRANSFER_MALFORMED: 'tag-with-slash no-audience',
  SUMS_MALFORMED: 'name-of-another-digest carriage-return',
  CENSUS_MISMATCH: 'count-of-manifests count-of-bytes prerequisite index-is-no-target',
  MANIFEST_AMBIGUOUS: 'image-with-fslayers index-with-config',
  MANIFEST_MALFORMED: 'layers-no-list',
  DESCRIPTOR_MALFORMED: 'media-type-with-escape',
  DIGEST_MALFORMED: 'short',
}

export function isSpare({ code, reason }: RejectVector): boolean {
  return (SPARE[code] ?? '').split(' ').includes(reason)
}
