/** The shapes of what the `ca` and `trust` commands print with `--json`. */
import * as z from 'zod'
import { count, digest, time } from './schema-words.ts'

const fingerprint = z.string().regex(/^sha256:[0-9a-f]{64}$/)

const listed = {
  name: z.string().describe('Of its folder.'),
  kind: z.enum(['root', 'ca', 'signer', 'tsa']),
  purpose: z.enum(['signing', 'timestamping']),
  subject: z.string(),
  issuedBy: z.string().nullable().describe('Null when it signs itself.'),
  algorithm: z.enum(['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']),
  fingerprint: fingerprint.nullable().describe('Of the certificate; null in a dry run.'),
  words: z.array(z.string()).describe('The fingerprint to be read aloud; empty in a dry run.'),
  keyHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .describe('SHA-256 of its SubjectPublicKeyInfo, what `revocation deny --signer` takes; null in a dry run.'),
  notBefore: time,
  notAfter: time,
  pathLength: count.nullable(),
  scope: z.array(z.string()).describe('Empty is no limit. No verifier reads it.'),
  crlUrl: z.string().nullable(),
}

export const CA_INIT = z.strictObject({
  dir: z.string(),
  preset: z.enum(['hobbyist', 'team', 'vendor']),
  certificates: z.array(z.strictObject(listed)),
  dryRun: z.boolean(),
})

export const CA_ISSUE = z.strictObject({ dir: z.string(), certificate: z.strictObject(listed), dryRun: z.boolean() })

const reason = z.enum([
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
])
const issued = z.strictObject({ number: count, thisUpdate: time, nextUpdate: time })

export const CA_REVOKE = z.strictObject({
  dir: z.string(),
  issuer: z.string().describe('Folder of the authority that must issue the next list.'),
  certificate: z.strictObject({ subject: z.string(), serial: z.string(), fingerprint, notAfter: time }),
  reason,
  revoked: time,
  invalidity: time.nullable().describe('Since when the key is held to be bad.'),
  released: time.nullable().describe('When the hold ended; null while it is revoked.'),
  crlUrl: z.string().nullable(),
  dryRun: z.boolean(),
})

export const CA_CRL = z.strictObject({
  dir: z.string(),
  issuer: z.string(),
  subject: z.string(),
  form: z.enum(['base', 'delta']),
  number: count.describe('In a dry run the one it would get.'),
  deltaBase: count.nullable().describe('The base list that a delta builds on.'),
  thisUpdate: time,
  nextUpdate: time,
  entries: count,
  url: z.string().nullable().describe('Where it is to be published.'),
  deltaUrl: z.string().nullable().describe('Where verifiers of a base list will ask for a delta with a higher number.'),
  files: z.array(z.string()),
  dryRun: z.boolean(),
})

export const CA_SHOW = z.strictObject({
  dir: z.string(),
  certificates: z.array(
    z.strictObject({
      ...listed,
      depth: count,
      validity: z.enum(['valid', 'expired', 'not yet valid']),
      keyHere: z.boolean(),
      revoked: z.strictObject({ reason: z.string(), since: time }).nullable(),
      revocation: z
        .strictObject({
          base: issued.nullable(),
          delta: issued.nullable(),
          deltaUrl: z.string().nullable(),
          due: time.nullable().describe('When the next list must be there; null before the first.'),
          overdue: z.boolean(),
          unlisted: count.describe('Changes that no list tells of yet.'),
          revoked: z.array(
            z.strictObject({
              serial: z.string(),
              subject: z.string(),
              reason,
              revoked: time,
              invalidity: time.nullable(),
              released: time.nullable(),
              listed: z.boolean(),
            }),
          ),
        })
        .nullable()
        .describe('Of an authority.'),
    }),
  ),
  ends: z.array(z.strictObject({ name: z.string(), notAfter: time })),
})

const anchor = {
  subject: z.string(),
  fingerprint,
  words: z.array(z.string()).describe('The fingerprint to be read aloud.'),
  notBefore: time,
  notAfter: time,
  expired: z.boolean(),
}

export const STORE_ADD = z.strictObject({
  store: z.string(),
  added: z.array(z.strictObject({ ...anchor, file: z.string() })),
  present: z.array(z.strictObject(anchor)),
  dryRun: z.boolean(),
})

export const STORE_LIST = z.strictObject({
  policy: z.string(),
  stores: z.array(z.strictObject({ store: z.string(), anchors: z.array(z.strictObject(anchor)) })),
})

export const STORE_REMOVE = z.strictObject({ store: z.string(), removed: z.array(z.string()), dryRun: z.boolean() })

export const POLICY_CHECK = z.strictObject({
  policy: z.string(),
  usable: z.boolean().describe('False: every artifact is refused until the errors are mended.'),
  findings: z.array(
    z.strictObject({
      severity: z.enum(['error', 'warning']),
      code: z.enum(['POLICY_MALFORMED', 'TRUST_STORE_MALFORMED']),
      file: z.string(),
      place: z.string(),
      detail: z.string(),
    }),
  ),
  digest: digest.nullable(),
})

const action = z.enum(['enforce', 'log', 'skip'])

const statement = z.strictObject({
  name: z.string(),
  trustPolicy: z.string(),
  level: z.enum(['strict', 'permissive', 'audit', 'skip', 'trace']),
  override: z.record(z.string(), action),
  actions: z.record(z.string(), action),
  verifyTimestamp: z.enum(['always', 'afterCertExpiry']),
  stores: z.array(z.strictObject({ name: z.string(), thumbprints: z.array(z.string()) })),
  identities: z.array(z.string()),
})

export const POLICY_EXPLAIN = z.strictObject({
  policy: z.string(),
  scope: z.string(),
  found: z.boolean().describe('False: nothing speaks for the repository, and every artifact is refused.'),
  pattern: z.string().optional(),
  count,
  statements: z.array(statement),
  trace: z.array(statement),
  requireOrigin: z.boolean(),
  skips: z.boolean(),
  algorithms: z.record(
    z.string(),
    z.strictObject({ rule: z.enum(['allowed', 'deprecated', 'refused']), since: z.string().optional() }),
  ),
  revocation: z.strictObject({
    measure: z.enum(['report', 'retag', 'remove']),
    maxStaleness: count.describe('Seconds past its next update for which a list may still be gone by.'),
    mustHave: z.array(z.string().regex(/^[0-9a-f]{64}$/)).describe('Issuers by SHA-256 of their public key.'),
    timestampCounts: z.boolean(),
    releaseNeedsApproval: z.boolean(),
  }),
})

export const POLICY_SHOW = z.strictObject({
  policy: z.string(),
  digest: z.string(),
  scopes: z.array(POLICY_EXPLAIN),
  files: z.array(
    statement.extend({ global: z.boolean().describe('Speaks for files for which no statement is named.') }),
  ),
})

export const POLICY_EDIT = z.strictObject({
  policy: z.string(),
  file: z.string(),
  name: z.string(),
  statements: count,
  dryRun: z.boolean(),
})

/** A piece of trust information. */
export const INFORMATION = z.strictObject({
  repository: z.string(),
  tag: z.string(),
  digest,
  kind: z.enum(['store', 'policy', 'delegations', 'chains']),
  name: z.string().describe('Of the store or the file; empty where there is one of the kind.'),
})

const shown = {
  subject: z.string(),
  fingerprint: fingerprint.describe('As the bundle has it. Compare with what its owner says, never with this.'),
  notBefore: time,
  notAfter: time,
  validity: z.enum(['valid', 'expired', 'not yet valid']),
}

/** What `inspect --trust` adds. */
export const TRUST_TREE = z.strictObject({
  repository: z.string(),
  items: z.array(INFORMATION),
  faults: z
    .array(z.strictObject({ digest, tags: z.array(z.string()), why: z.string() }))
    .describe('What lies there and is no trust information; it is judged as content.'),
  certificates: z
    .array(
      z.strictObject({
        ...shown,
        depth: count.describe('Below the topmost certificate of its chain.'),
        delegation: z
          .strictObject({
            kind: listed.kind,
            purpose: listed.purpose,
            scope: listed.scope,
            pathLength: listed.pathLength,
            crlUrl: listed.crlUrl,
          })
          .nullable()
          .describe('Null where no record is carried.'),
        signs: z.array(listed.purpose).describe('What carried signatures use it for.'),
      }),
    )
    .describe('Each followed by what it issued.'),
  stores: z.array(z.strictObject({ store: z.string(), anchors: z.array(z.strictObject(shown)) })),
  statements: z.array(
    z.strictObject({
      file: z.enum(['oci', 'blob']),
      name: z.string(),
      level: statement.shape.level,
      scopes: z.array(z.string()),
      stores: z.array(z.string()),
      identities: z.array(z.string()),
    }),
  ),
  requirements: z
    .array(
      z.strictObject({
        scope: z.string(),
        count,
        of: z.array(z.string()),
        trace: z.array(z.string()),
        requireOrigin: z.boolean(),
      }),
    )
    .describe('Of a policy.yaml.'),
})
