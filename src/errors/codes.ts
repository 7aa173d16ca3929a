/**
 * The closed table of error codes: exit class, one sentence, one remedy (design: Errors).
 * `bundles/ERRORS.md` holds one line for each row and a test keeps the two equal. Codes are only ever added.
 */

/** An exit status, or `side`: the status then follows the side the error came from. */
export type Exit = 1 | 2 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18 | 22 | 130 | 'side'

type Row = readonly [exit: Exit, sentence: string, remedy: string]

const AGAIN = 'copy the bundle again from the medium it came on, or ask the sender for a fresh copy'
const SENDER = 'ask the sender for a new bundle'
const REGISTRY = "look at the registry's own log, then run the same command again"

export const CODES = {
  INTERNAL: [1, 'a fault of Sallyport itself', 'report it with the stack that is printed'],

  USAGE: [2, 'the command line asks for something that cannot be done', 'see --help'],
  REFERENCE_INVALID: [2, 'a reference does not follow the grammar host/repository[:tag][@digest]', 'correct it'],
  PLAN_MALFORMED: [2, 'the plan file does not follow its schema', 'correct the line and column named'],
  MAP_INVALID: [2, 'a mapping names no valid source or destination repository', 'correct the mapping'],
  TARGET_COLLISION: [2, 'two sources would land on one name at the target', 'map one of them elsewhere'],
  FILE_UNREADABLE: [2, 'a named file or folder cannot be read', 'check the path and its permissions'],
  OUTPUT_EXISTS: [2, 'the output exists already', 'name another output or move the old one away'],
  FINGERPRINT_MISSING: [
    2,
    'a root is only pinned against a fingerprint',
    'obtain it by voice or paper, never with the file',
  ],
  KEY_MISSING: [2, 'a key that is needed to sign is not there', 'name the folder that holds it with --keys'],
  KEY_MALFORMED: [2, 'a key file is not an encrypted PKCS#8 key of an accepted kind', 'name the right file'],
  KEY_PASSPHRASE: [2, 'there is no passphrase that opens or seals the key', 'give the right passphrase'],
  KEY_REFUSED: [2, 'a key has no part in this role of the channel', "sign with a key that the channel's root names"],
  KEY_EXISTS: [2, 'the folder already holds a channel', 'choose an empty folder'],
  CHANNEL_FOLDER_DAMAGED: [
    2,
    "a channel's folder is not what its own first root leads to",
    'sign nothing; find out who wrote there, and take the folder from a copy that was kept apart',
  ],
  ROTATION_DAMAGED: [
    2,
    'what waits for signatures is not the root that its record tells of',
    'sign nothing; find out who wrote there, and take it back with channel rotate --abandon',
  ],
  AUTHFILE_MALFORMED: [2, 'the credentials file is not a docker config.json', 'correct it or name another'],
  CA_FILE_MALFORMED: [2, 'a certificate or key file is not PEM', 'name the right file'],
  EXPORT_CHANGED: [
    2,
    'a stopped export lies at this output and was made from other inputs',
    'repeat it as it was, or remove the .part files',
  ],
  HEAD_MISMATCH: [
    2,
    'the approved head is not of the bundle that this export makes',
    'repeat the export as it was for the head, or write a new head and have that approved',
  ],
  BUNDLE_REPLACED: [
    2,
    'the bundle is another one than was shown',
    'find out who put it there; run the command again and look at what it shows',
  ],
  APPROVAL_STREAM: [2, 'a bundle that is not a file cannot be signed in place', 'write it to a file and approve that'],

  POLICY_MALFORMED: [2, 'a trust policy does not follow its schema', 'correct the place named'],
  TRUST_STORE_MALFORMED: [2, 'a trust store holds something that is not a trust anchor', 'take the file named out'],
  CERTIFICATE_FILE: [2, 'a certificate file is not one', 'name the right file'],
  CHAIN_FILE: [2, 'key and certificate chain do not make a signer', 'name the chain of this key, leaf first'],
  CA_EXISTS: [2, 'the folder already holds a certificate authority', 'choose an empty folder'],
  CA_MALFORMED: [2, 'the folder does not hold a certificate authority', 'name the right folder'],
  CA_SCOPE: [2, 'the issuer may not issue this', 'ask an issuer with the scope'],
  CA_CERTIFICATE_UNKNOWN: [2, 'there is no such certificate', 'name a folder of sallyport ca show, or a file'],
  CA_ISSUER_OTHER: [2, 'no authority of this folder issued the certificate', 'have its own issuer revoke it'],
  CA_REVOKED_ALREADY: [2, 'the certificate is revoked already', 'nothing: see sallyport ca show'],
  CA_NOT_ON_HOLD: [2, 'the certificate is not on hold', 'only a hold can be taken back'],
  CA_LOCKED: [
    2,
    'another process works with this authority',
    'wait for it to end; remove the file named only when its process is gone for certain',
  ],
  PLUGIN_MISSING: [2, 'a plugin that is named is not installed', 'install it, or name its folder'],
  PLUGIN_FAILED: [2, 'a plugin failed or spoke outside the protocol', "look at the plugin's own log"],

  TAG_UNSEEN: [2, 'this site never saw the tag name this digest', 'see sallyport log for what it named, or say --any'],
  TARGET_UNKNOWN: [2, 'this site never brought anything to this target', 'name it as sallyport log does'],
  QUARANTINE_UNKNOWN: [2, 'nothing is quarantined under this name', 'see sallyport quarantine list'],

  TAR_TRUNCATED: [10, 'the bundle ends too early', AGAIN],
  TAR_HEADER: [10, 'a member header is damaged or outside the profile', AGAIN],
  TAR_TYPE: [10, 'a member is not a regular file', SENDER],
  TAR_NAME: [10, 'a member has a name that no bundle may hold', SENDER],
  TAR_ORDER: [10, 'a member stands where another one belongs', SENDER],
  TAR_SIZE: [10, "a member's size is not the size that was promised", AGAIN],
  TAR_PADDING: [10, 'the padding after a member is not zero', AGAIN],
  TAR_END: [10, 'the end of the bundle is not two zero blocks', AGAIN],
  TAR_TRAILING: [10, 'bytes follow the end of the bundle', AGAIN],
  DIGEST_MISMATCH: ['side', 'bytes do not have the digest that names them', AGAIN],
  SIZE_MISMATCH: ['side', 'bytes do not have the size that was promised', AGAIN],
  MEDIUM_UNREADABLE: [
    'side',
    'the medium or disk gives an error of its own when it is read',
    'clean or copy the medium, or read it in another drive; else ask the sender for a fresh copy',
  ],
  JSON_MALFORMED: ['side', 'a document is not strict JSON', AGAIN],
  SUMS_MALFORMED: [10, 'a list of sums does not follow the format', SENDER],
  TRANSFER_MALFORMED: [10, 'transfer.json does not follow its schema', SENDER],
  METADATA_MALFORMED: [10, 'channel metadata does not follow TUF 1.0 or the slot rules', AGAIN],
  LAYOUT_MALFORMED: ['side', 'an OCI image layout is not one', 'check the folder or archive'],
  CENSUS_MISMATCH: ['side', 'the bundle holds something it does not promise, or lacks something it promises', SENDER],
  DESCRIPTOR_MALFORMED: ['side', 'a descriptor does not follow the OCI image spec', SENDER],
  DIGEST_MALFORMED: ['side', 'a digest is not sha256 or sha512 in lower-case hex', SENDER],
  MANIFEST_MALFORMED: ['side', 'a manifest is not what its media type says', SENDER],
  MANIFEST_AMBIGUOUS: ['side', 'a manifest is an image and an index at once (CVE-2021-41190)', SENDER],
  INDEX_OF_BLOBS: [
    'side',
    'an index lists content that is no manifest, as a build cache does',
    'leave its tag out (tagPattern "!(buildcache)"), or write the cache with image-manifest=true',
  ],
  SUBJECT_MISMATCH: ['side', 'a referrer does not name the subject it was listed for', 'have the source list repaired'],

  FORMAT_UNSUPPORTED: [11, 'the bundle is of a format this version does not read', 'use a newer Sallyport'],
  FEATURE_UNKNOWN: [11, 'the bundle requires a feature this version does not know', 'use a newer Sallyport'],
  ALGORITHM_REFUSED: [11, 'a key or signature is of a kind that is not accepted', SENDER],
  SCHEMA1_REFUSED: [
    11,
    'a Docker schema 1 manifest has no fixed digest',
    'have the image pushed again as OCI or schema 2',
  ],

  SIGNATURE_INVALID: [12, 'channel metadata carries too few valid signatures', SENDER],
  ENVELOPE_MALFORMED: [
    12,
    'a signature envelope is not one of the Notary Project',
    'ask the signer for a new signature',
  ],
  ENVELOPE_SIGNATURE: [12, 'the signature in an envelope does not verify', 'ask the signer for a new signature'],
  CERTIFICATE_MALFORMED: [12, 'a certificate is not strict DER of X.509 v3', 'ask the signer for a new signature'],
  CHAIN_INVALID: [
    12,
    'a certificate chain breaks the rules of the Notary Project',
    'ask the signer for a new signature',
  ],
  TARGET_MISMATCH: [12, 'a signature is for another artifact', 'ask the signer for a signature of this one'],
  TIMESTAMP_INVALID: [12, 'a timestamp does not prove the time of signing', 'ask the signer for a new signature'],
  LIST_MALFORMED: [12, 'a revocation list is not strict DER of RFC 5280', 'ask the issuer for a list of version 2'],
  APPROVAL_INVALID: [
    12,
    'an approval does not hold for what is to be released',
    'have exactly this release approved, for exactly this reason',
  ],
  LIST_INVALID: [12, 'a revocation list does not hold for the issuer it is kept under', 'fetch the list again'],
  ANSWER_INVALID: [12, 'an OCSP answer does not hold for the certificate it is kept under', 'fetch the answer again'],
  REVOCATION_MALFORMED: [12, 'what a bundle carries on revocation is not of the form of its kind', SENDER],
  METADATA_MIXED: [12, 'parts of the channel metadata belong to different bundles', SENDER],

  CHANNEL_NOT_PINNED: [
    13,
    'the channel is not pinned at this site',
    'pin its root by hand, if it is meant to be trusted',
  ],
  ROOT_UNKNOWN: [
    13,
    'the bundle does not lead to the root that was pinned',
    'ask the sender which root the channel has',
  ],
  FINGERPRINT_MISMATCH: [
    13,
    'the root does not have the fingerprint that was given',
    'do not pin it; ask the sender by another way',
  ],
  CHANNEL_MISMATCH: [13, 'the signed metadata speaks for another channel', SENDER],
  PURPOSE_MISMATCH: [13, 'the channel is for another purpose', SENDER],
  DESTINATION_FORBIDDEN: [
    13,
    'the channel may not bring content to this repository',
    'ask the sender why; then map it to where the channel may (--map), or allow this place by channel confine',
  ],
  AUDIENCE_MISMATCH: [13, 'the bundle is not addressed to this site', 'send it on to the site it names'],

  POLICY_MISSING: [13, 'no trust policy speaks for this repository', 'write one for its name at the destination'],
  SIGNATURE_MISSING: [13, 'the artifact carries no signature', 'ask the publisher to sign it'],
  SIGNER_UNTRUSTED: [
    13,
    'no certificate of the signer stands in the trust stores of the policy',
    'ask the publisher for his root and its fingerprint',
  ],
  IDENTITY_UNTRUSTED: [13, 'the signer is not one of the trusted identities', 'ask who signed, and why'],
  POLICY_UNMET: [13, 'fewer signatures are trusted than the site demands', 'have the missing party sign'],
  ORIGIN_MISMATCH: [13, 'the signature is bound to another registry or repository', 'ask the publisher for its origin'],
  ALGORITHM_DISALLOWED: [13, 'the site refuses this signature algorithm', 'have it signed with an allowed one'],

  DENIAL_UNENTITLED: [
    13,
    'a denial comes on a channel that was not pinned for revocation',
    'ask the sender to put denials on the revocation channel',
  ],

  CERTIFICATE_REVOKED: [14, 'a certificate of the signer was revoked', 'ask the publisher to sign again'],
  ARTIFACT_QUARANTINED: [14, 'a measure stands against the artifact', 'let it out with sallyport quarantine release'],
  ARTIFACT_DENIED: [14, 'the artifact was denied', 'ask the publisher what takes its place'],
  SIGNATURE_DENIED: [14, 'the signature of this signer on this artifact was denied', 'ask the publisher to sign again'],

  LIST_ROLLBACK: [15, 'a revocation list is older than the one held', 'nothing: the newer one stays in force'],
  LIST_EQUIVOCATION: [
    15,
    'two different revocation lists carry one number',
    'stop, and ask the issuer which of the two is genuine',
  ],
  LIST_FUTURE: [15, 'a revocation list is dated in the future', 'check the clocks of both sides'],
  LIST_STALE: [15, 'a revocation list is past its next update', 'fetch the newest list'],
  LIST_LOST: [
    15,
    'a revocation list that the state names is missing or damaged there',
    'have it sent again: until then it is not held',
  ],
  CHANNEL_OVERDUE: [
    15,
    'a channel has been silent for longer than the site expects',
    'ask the sender for its next bundle',
  ],

  SIGNATURE_EXPIRED: [15, 'the signature has expired', 'ask the publisher to sign again'],
  CERTIFICATE_EXPIRED: [15, 'a certificate was not valid when it counted', 'ask the publisher to sign again'],
  EXPIRED: [15, 'the bundle or its root is no longer valid', SENDER],
  ROLLBACK: [
    15,
    'the bundle is older than what this site has accepted',
    'use the newest bundle; ask for a repair if something is missing',
  ],
  EQUIVOCATION: [
    15,
    'two different bundles carry one sequence number',
    'stop, and ask the sender which of the two ids is genuine',
  ],
  CLOCK_BEHIND: [15, 'the clock stands before a time this site has already seen signed', 'set the clock'],
  CLOCK_AHEAD: [
    15,
    'the clock stands years beyond every time that is known to have passed',
    'set the clock; if it is right, name the time with --as-of, and why',
  ],

  REVOCATION_UNKNOWN: [
    16,
    'whether a certificate was revoked cannot be decided',
    'carry its revocation list; sallyport revocation status says which',
  ],
  ATTRIBUTE_UNKNOWN: [16, 'a critical attribute of a signature is not known here', 'install the plugin that knows it'],

  LIMIT_EXCEEDED: [17, 'a cap was reached', 'split the work, or find out why it is so large'],
  MANIFEST_TOO_LARGE: [17, 'a manifest is larger than 4 MiB', 'such a manifest cannot be carried'],
  GRAPH_TOO_DEEP: [17, 'indexes or referrers are nested too deeply', 'such a graph cannot be carried'],
  GRAPH_TOO_LARGE: [17, 'an artifact has too many manifests, referrers or tags', 'split the plan'],

  APPROVAL_MISSING: [
    18,
    'fewer people have signed than the channel demands',
    'have a further person run sallyport approve',
  ],
  LIST_BASE_MISSING: [18, 'a delta list builds on a base that is not held', 'ask the sender for the whole list'],
  PREREQUISITE_MISSING: [
    18,
    'the bundle builds on content that the target does not hold (reserved: this version reads no such bundle)',
    'import the earlier bundle, or ask for a full one',
  ],

  REGISTRY_UNREACHABLE: ['side', 'the registry does not answer', 'check the network, the name and TLS, then run again'],
  REGISTRY_TLS: ['side', "the registry's certificate is not trusted", 'name its authority with --ca-file'],
  REGISTRY_DENIED: ['side', 'the registry refuses these credentials', 'log in, or ask for the rights'],
  REGISTRY_LIMITED: ['side', 'the registry keeps asking to slow down', 'wait, or lower --concurrency'],
  REGISTRY_FAULT: ['side', 'the registry answers with a server error', REGISTRY],
  REGISTRY_PROTOCOL: ['side', 'the registry answers outside the distribution spec', REGISTRY],
  REDIRECT_REFUSED: ['side', 'the registry redirects to a place that is not allowed', REGISTRY],
  REALM_REFUSED: [
    'side',
    'the registry names a token service that is not allowed',
    'allow the service by name if it is genuine',
  ],
  TSA_FAILED: ['side', 'the timestamp service did not give a timestamp', 'check its address, then run again'],
  LIST_UNAVAILABLE: [
    'side',
    'a revocation list or answer cannot be had',
    'name a folder that holds it, or accept its absence by name in the plan',
  ],
  DENIALS_MALFORMED: ['side', 'a list of denials does not follow its schema', SENDER],
  REPOSITORY_MISSING: ['side', 'the repository or its project does not exist', 'create it at the registry'],
  MANIFEST_MISSING: ['side', 'the manifest or tag does not exist', 'check the reference'],
  BLOB_MISSING: ['side', 'a blob does not exist', 'have the image pushed again at the source'],
  TAG_IMMUTABLE: ['side', 'the registry does not let this tag move', 'remove the rule or use another tag'],
  QUOTA_EXCEEDED: ['side', 'the registry has no room left for this project', 'raise the quota'],
  MANIFEST_SHARED: [
    'side',
    'a manifest belongs to something else that stays',
    'take away first what needs it, or let it be',
  ],
  DELETE_DENIED: ['side', 'the registry does not allow deletion', 'allow it at the registry'],
  PUSH_REFUSED: ['side', 'the registry refuses the content', REGISTRY],
  SPARSE_REFUSED: [
    'side',
    'the registry does not take an index whose children are left out',
    'carry all platforms, or allow sparse indexes there (distribution: validation.manifests.indexes.platforms: none)',
  ],
  LAYOUT_LOCKED: [
    'side',
    'another process writes into this layout',
    'wait for it to end; remove the file named only when its process is gone for certain',
  ],
  FOLDER_LOCKED: [
    'side',
    'another process writes into this folder',
    'wait for it to end; remove the file named only when its process is gone for certain',
  ],
  READ_BACK_MISMATCH: ['side', 'the registry does not hold what it said it stored', REGISTRY],

  STATE_EMPTY: [22, 'the state folder is empty', 'run sallyport state init, or state restore after a loss'],
  STATE_INVALID: [
    22,
    'this is no state folder',
    'name the folder of the state, or another one for sallyport state init',
  ],
  STATE_EXISTS: [22, 'the state folder is in use already', 'name another folder, or move this one away'],
  STATE_LOCKED: [22, 'another process works with this state', 'wait for it to end'],
  STATE_NEWER: [22, 'the state was written by a newer version', 'use that version'],
  STATE_UNWRITABLE: [22, 'the state folder cannot be read or written', 'check its owner and permissions'],
  JOURNAL_BROKEN: [
    22,
    'the journal is damaged',
    'move the state folder away, then run sallyport state restore with the last backup',
  ],
  INDEX_DAMAGED: [22, 'the index does not agree with the journal', 'run sallyport state rebuild'],
  BACKUP_MALFORMED: [22, 'the backup is damaged or not one', 'use another backup'],
  CHANNEL_PINNED: [22, 'the channel is pinned already', 'unpin it first, with a reason'],
  DISK_FULL: [22, 'no space is left', 'make room, then run the same command again'],
  OUTPUT_FAILED: [22, 'the output cannot be written', 'check the folder, then run the same command again'],

  INTERRUPTED: [130, 'the run was interrupted; the state is consistent', 'run the same command again to go on'],
} as const satisfies Record<string, Row>

export type Code = keyof typeof CODES
