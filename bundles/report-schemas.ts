/** The shapes of what `--json` prints. The compiler holds each to the report of its verb; the script makes JSON Schema of them. */
import * as z from 'zod'
import {
  CODES,
  type ApproveReleaseReport,
  type ApproveReport,
  type CaCrlReport,
  type CaInitReport,
  type CaIssueReport,
  type CaRevokeReport,
  type CaShowReport,
  type ChannelInitReport,
  type ChannelRotateReport,
  type ChannelShowReport,
  type AffectedReport,
  type CheckBlobReport,
  type CheckReport,
  type ConfineReport,
  type Code,
  type DenyReport,
  type ExpectReport,
  type ExportReport,
  type ImportReport,
  type InitReport,
  type InspectReport,
  type JudgeAgainReport,
  type LogReport,
  type PinReport,
  type PolicyCheckReport,
  type PolicyEditReport,
  type PolicyExplainReport,
  type PolicyShowReport,
  type RevocationBundleReport,
  type RevocationSeedReport,
  type RevocationStatusReport,
  type QuarantineListReport,
  type ReleaseReport,
  type RestoreReport,
  type RunEvent,
  type SignBlobReport,
  type SignReport,
  type SiteDenyReport,
  type ForgetReport,
  type StatusReport,
  type UnpinReport,
  type StoreAddReport,
  type StoreListReport,
  type StoreRemoveReport,
  type VerifyReport,
  type WatchReport,
  type stateBackup,
  type stateCheck,
  type stateRebuild,
  type stateRestore,
} from '../src/index.ts'
import {
  judgedPassengers,
  movedTag,
  omission,
  passengers,
  removedTags,
  summary,
  tags,
  version,
} from './bundle-schemas.ts'
import {
  CHANNEL_INIT,
  CHANNEL_PIN,
  CHANNEL_UNPIN,
  CHANNEL_ROTATE,
  CHANNEL_SHOW,
  fingerprint,
  keyid,
  pinned,
} from './channel-schemas.ts'
import { EXITS } from './make-errors.ts'
import { QUARANTINE_APPROVE, QUARANTINE_LIST, QUARANTINE_RELEASE, RESTORE, TAG_MOVE } from './quarantine-schemas.ts'
import { CARRIED, CHANGES, COLLECTED, DENY, REVOKED_SINCE, TAGS_SINCE } from './revocation-schemas.ts'
import { SEED } from './seed-schemas.ts'
import { count, digest, time } from './schema-words.ts'
import { AFFECTED, JUDGE_AGAIN, REJUDGED, REVOCATION_STATUS, SITE_DENY } from './rejudge-schemas.ts'
import { AS_OF, ATTENTION, CONFINE, EXPECT, HEALTH, WATCH } from './site-schemas.ts'
import {
  CA_CRL,
  CA_INIT,
  CA_ISSUE,
  CA_REVOKE,
  CA_SHOW,
  POLICY_CHECK,
  POLICY_EDIT,
  POLICY_EXPLAIN,
  POLICY_SHOW,
  STORE_ADD,
  STORE_LIST,
  STORE_REMOVE,
  TRUST_TREE,
} from './trust-schemas.ts'
import { STATE } from './state-schemas.ts'
import { CHECK, JUDGED, SIGN } from './verdict-schemas.ts'

const approval = z.strictObject({ signers: z.array(keyid), badSignatures: count })
const exported = {
  output: z.string().describe('The file, or - for a pipe.'),
  channel: z.string(),
  sequence: version,
  id: digest,
  audience: z.array(z.string()),
  created: time,
  validUntil: time,
  size: count,
  blobs: count,
  manifests: count,
  repositories: z.array(
    z.strictObject({
      name: z.string(),
      to: z.string(),
      tags,
      untagged: z.array(digest),
      referrers: count,
      removed: removedTags,
    }),
  ),
  omitted: z.array(omission),
  opaque: z
    .array(z.strictObject({ repository: z.string(), digest, mediaType: z.string() }))
    .describe('Manifests of unknown media types: carried as they are, and nothing that they name with them.'),
  passengers,
  moved: z
    .array(z.string())
    .nullable()
    .describe('Tags that point elsewhere now than in the bundle; null when that could not be looked at.'),
  revocation: COLLECTED.nullable().describe('Null when nothing was signed by a certificate.'),
  signedBy: z.string(),
  approvalsMissing: count,
  resumed: z.boolean(),
  dryRun: z.boolean(),
  asOf: AS_OF,
}

/** One schema for the report of each verb. */
export const REPORTS = {
  export: z.strictObject(exported),
  'revocation collect': z.strictObject({ ...exported, ...CHANGES }),
  'revocation deny': z.union([DENY, SITE_DENY]),
  'revocation status': REVOCATION_STATUS,
  'revocation affected': AFFECTED,
  'revocation judge': JUDGE_AGAIN,
  'revocation seed': SEED,
  approve: z.strictObject({
    bundle: z.string(),
    id: digest,
    keyid,
    added: z.boolean().describe('False when this person had signed already.'),
    dryRun: z.boolean(),
    signed: count,
    threshold: version,
    summary: z.strictObject(summary),
    revocation: CARRIED.nullable(),
    revoked: REVOKED_SINCE.nullable().describe('What it newly revokes; null when it carries nothing on revocation.'),
    tags: TAGS_SINCE.nullable().describe('Null where no earlier one was named.'),
  }),
  inspect: z.strictObject({
    verified: z.literal(false).describe('All that follows is a claim.'),
    ...summary,
    roots: z.record(z.string(), fingerprint).describe('By version.'),
    approvals: z.strictObject({ signed: z.array(keyid), threshold: version, open: z.array(keyid), bad: count }),
    previous: z.record(z.string(), z.strictObject({ sequence: version, id: z.string() }).nullable()),
    trust: TRUST_TREE.optional().describe('With --trust.'),
    revocation: CARRIED.optional().describe('Of a revocation bundle, or with --trust.'),
  }),
  verify: z.strictObject({
    ...JUDGED,
    ...summary,
    passengers: judgedPassengers,
    approval,
    rootVersion: version,
    repeat: z.boolean(),
    replayChecked: z.boolean().describe('False when no state said what came before.'),
    audienceChecked: z.boolean().describe('False when no site was named.'),
  }),
  import: z.strictObject({
    ...summary,
    ...JUDGED,
    passengers: judgedPassengers,
    target: z.string(),
    approval,
    rejudged: REJUDGED.nullable().describe('Null when nothing changed for what lies there.'),
    repeat: z.boolean(),
    counts: z.strictObject({
      blobsPushed: count,
      blobsMounted: count,
      blobsPresent: count,
      bytesPushed: count,
      manifestsPushed: count,
      manifestsPresent: count,
      referrers: z.enum(['api', 'fallback']).nullable(),
    }),
    tags: z.array(movedTag),
    removed: z
      .array(z.strictObject({ name: z.string(), at: z.string(), tag: z.string(), digest }))
      .describe('Tags that the source has no more and that are still here, as this site had them from it; they stay.'),
    landed: z.array(z.strictObject({ name: z.string(), at: z.string() })),
    settled: count.describe('Tag moves that a stopped run had left open.'),
    dryRun: z.boolean(),
  }),
  'channel init': CHANNEL_INIT,
  'channel rotate': CHANNEL_ROTATE,
  'channel pin': CHANNEL_PIN,
  'channel unpin': CHANNEL_UNPIN,
  'channel expect': EXPECT,
  'channel confine': CONFINE,
  'channel show': CHANNEL_SHOW,
  'quarantine list': QUARANTINE_LIST,
  'quarantine approve': QUARANTINE_APPROVE,
  'quarantine release': QUARANTINE_RELEASE,
  restore: RESTORE,
  ...STATE,
  sign: SIGN,
  'ca init': CA_INIT,
  'ca issue': CA_ISSUE,
  'ca revoke': CA_REVOKE,
  'ca crl': CA_CRL,
  'ca show': CA_SHOW,
  'trust store add': STORE_ADD,
  'trust store list': STORE_LIST,
  'trust store remove': STORE_REMOVE,
  'trust policy add': POLICY_EDIT,
  'trust policy remove': POLICY_EDIT,
  'trust policy check': POLICY_CHECK,
  'trust policy show': POLICY_SHOW,
  'trust policy explain': POLICY_EXPLAIN,
  check: CHECK,
  status: z.strictObject({
    site: z.string(),
    state: z.string(),
    floor: time.nullable().describe('The newest signed time seen.'),
    rows: count,
    channels: z.array(pinned),
    bundles: z.array(
      z.strictObject({
        channel: z.string(),
        sequence: version,
        id: z.string(),
        time,
        phase: z.string(),
        target: z.string().optional(),
        signers: z
          .array(z.string())
          .nullable()
          .describe(
            'Keyids of the people who approved any copy of it that was brought; null where the journal is older than that.',
          ),
      }),
    ),
    openTags: z.array(z.strictObject({ target: z.string(), repository: z.string(), tag: z.string() })),
    attention: ATTENTION,
    deprecated: z
      .array(
        z.strictObject({
          repository: z.string(),
          digest: z.string(),
          scope: z.string(),
          target: z.string().nullable().describe('Where it lies; null where the journal is older than that.'),
          id: z.string(),
          time,
          algorithms: z.array(z.strictObject({ algorithm: z.string(), since: z.string().nullable() })),
          standing: z.array(z.string()).describe('Statements that a signature of another algorithm meets.'),
          needed: count,
        }),
      )
      .nullable()
      .describe('What hangs on algorithms that the policy deprecates or refuses; null when none was named.'),
    health: HEALTH,
  }),
  watch: WATCH,
  log: z.strictObject({
    rows: z.array(
      z
        .looseObject({
          n: version,
          prev: z.string(),
          time,
          tenant: z.string(),
          kind: z.string(),
          sum: z.string(),
        })
        .describe(
          'A row of the journal; the other members depend on its kind. `head` has `signers`: who approved, and `repeat` where another copy of the bundle had signatures that no row named. A row with `more` has its `tags` and `within` in so many rows of kind `more` right before it.',
        ),
    ),
    moves: z.array(TAG_MOVE).describe('The moves of tags that these rows tell of.'),
  }),
} as const

/** The report that each verb of the library gives. */
interface Given {
  export: ExportReport
  'revocation collect': RevocationBundleReport
  'revocation deny': DenyReport | SiteDenyReport
  'revocation status': RevocationStatusReport
  'revocation affected': AffectedReport
  'revocation judge': JudgeAgainReport
  'revocation seed': RevocationSeedReport
  approve: ApproveReport
  inspect: InspectReport
  verify: VerifyReport
  import: ImportReport
  'channel init': ChannelInitReport
  'channel rotate': ChannelRotateReport
  'channel pin': PinReport
  'channel unpin': UnpinReport
  'channel expect': ExpectReport
  'channel confine': ConfineReport
  'channel show': ChannelShowReport
  'quarantine list': QuarantineListReport
  'quarantine approve': ApproveReleaseReport
  'quarantine release': ReleaseReport
  restore: RestoreReport
  'state init': InitReport
  'state check': Awaited<ReturnType<typeof stateCheck>>
  'state rebuild': Awaited<ReturnType<typeof stateRebuild>>
  'state backup': Awaited<ReturnType<typeof stateBackup>>
  'state forget': ForgetReport
  'state restore': Awaited<ReturnType<typeof stateRestore>>
  sign: SignReport | SignBlobReport
  'ca init': CaInitReport
  'ca issue': CaIssueReport
  'ca revoke': CaRevokeReport
  'ca crl': CaCrlReport
  'ca show': CaShowReport
  'trust store add': StoreAddReport
  'trust store list': StoreListReport
  'trust store remove': StoreRemoveReport
  'trust policy add': PolicyEditReport
  'trust policy remove': PolicyEditReport
  'trust policy check': PolicyCheckReport
  'trust policy show': PolicyShowReport
  'trust policy explain': PolicyExplainReport
  check: CheckReport | CheckBlobReport
  status: StatusReport
  watch: WatchReport
  log: LogReport
}

type Verb = keyof typeof REPORTS
type Misfit = { [V in Verb]: Given[V] extends z.input<(typeof REPORTS)[V]> ? never : V }[Verb]

/** Empty: the compiler refuses this line, and names the verb, when a report can be what its schema does not know. */
export const MISFITS: [Misfit] extends [never] ? readonly never[] : Misfit = []

const verb = z.enum(Object.keys(REPORTS) as [keyof typeof REPORTS])
const exit = z.literal(EXITS.map(([status]) => status))

/** What an error says. */
export const ERROR = z.strictObject({
  code: z.enum(Object.keys(CODES) as [Code]),
  exit,
  side: z.enum(['source', 'bundle', 'target', 'state']).nullable(),
  subject: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
})

/** The one document on standard output; with `export -o -` on standard error. */
export const ENVELOPE = z.union([
  z.strictObject({ ok: z.literal(true), verb, exit: z.literal([0, 3, 22]), report: z.looseObject({}) }),
  z.strictObject({
    ok: z
      .literal(false)
      .describe(
        'Of these artifacts some are not trusted, or a passenger was refused; (2) this policy cannot judge; (15) there are alarms; the rest of what a watch met.',
      ),
    verb,
    exit: z.literal([1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22]),
    report: z.looseObject({}),
  }),
  z.strictObject({
    ok: z.literal(false),
    verb: z.string().describe('As above, or the first word when no verb was understood.'),
    exit,
    error: ERROR,
  }),
])

/** One line of progress on standard error. */
export const PROGRESS = z.union([
  z.strictObject({ event: z.literal('phase' satisfies RunEvent['type']), phase: z.string() }),
  z.strictObject({ event: z.literal('note' satisfies RunEvent['type']), text: z.string() }),
  z.strictObject({
    event: z.literal('progress'),
    phase: z.string(),
    bytes: z.int(),
    of: count,
    blobs: count,
    ofBlobs: count,
    bytesPerSecond: z.int(),
  }),
])
