/** Which rejected bundles are judged in memory only: each file costs 55 KiB, most of it the slots of its head. */
import type { RejectVector } from './vector.ts'

const SPARE: Readonly<Partial<Record<RejectVector['code'], string>>> = {
  TAR_NAME: 'dot-segments leading-dot backslash drive upper-case unknown-algorithm two-channels-in-one not-ascii',
  TAR_TYPE:
    'character-device block-device fifo old-file-type contiguous gnu-multi-volume pax-path-of-sha256 pax-before-long-name',
  TAR_HEADER: 'time owner gnu-magic',
  TAR_SIZE: 'base-256-beyond-2-53 space-padded payload-shorter',
  TAR_ORDER:
    'payload-before-law no-root no-snapshot sha512sums-nobody-promised passenger-without-a-promise passengers-swapped passenger-blob-named-and-absent passenger-nobody-named',
  TAR_TRUNCATED: 'half-an-end-mark inside-timestamp empty-file',
  TAR_END: 'zero-block-in-the-head',
  TAR_TRAILING: 'zero-record',
  LIMIT_EXCEEDED: 'root-slot targets-slot too-many-roots thousand-targets',
  METADATA_MIXED:
    'passenger-with-another-id passenger-with-another-sequence passenger-with-the-timestamp-of-another passenger-with-a-snapshot-signed-anew',
  PURPOSE_MISMATCH: 'passenger-with-content passenger-in-a-revocation-bundle image-alone-on-a-revocation-channel',
  CHANNEL_MISMATCH: 'passenger-under-the-root-of-another',
  DIGEST_MISMATCH: 'passenger-root-damaged passenger-promise-damaged passenger-promise-of-the-carrier',
  METADATA_MALFORMED:
    'passenger-unpadded length-is-no-slot snapshot-without-our-hash expiry-with-fraction snapshot-with-hash-of-file',
  SIGNATURE_INVALID: 'nobody-of-the-channel targets-unsigned',
  EXPIRED: 'snapshot',
  ROLLBACK: 'older-targets-named older-content-with-a-passenger',
  APPROVAL_MISSING: 'second-is-no-person',
  TRANSFER_MALFORMED:
    'tag-with-slash removed-and-bound removed-twice no-audience passengers-out-of-order passenger-of-its-own-channel seventeen-passengers passengers-announced-and-none passenger-with-passengers',
  SUMS_MALFORMED: 'passenger-line-twice name-of-another-digest carriage-return',
  CENSUS_MISMATCH:
    'passenger-denials-missing passenger-member-in-no-sums passenger-line-of-no-member passenger-repository-of-the-content count-of-manifests count-of-bytes prerequisite index-is-no-target',
  REVOCATION_MALFORMED:
    'lists-of-another-channel list-without-a-tag list-under-the-tag-of-another date-other-than-the-list-has number-with-a-leading-zero further-annotation delta-said-of-a-whole-list url-of-a-file issuer-other-than-its-certificate manifest-spelled-otherwise',
  LIST_INVALID: 'list-with-a-damaged-signature',
  MANIFEST_AMBIGUOUS: 'image-with-fslayers index-with-config',
  MANIFEST_MALFORMED: 'layers-no-list',
  DESCRIPTOR_MALFORMED: 'media-type-with-escape',
  DIGEST_MALFORMED: 'short',
}

export function isSpare({ code, reason }: RejectVector): boolean {
  return (SPARE[code] ?? '').split(' ').includes(reason)
}
