/** `approve`: adds a further person's signature to a bundle file, in place. */
import { BundleReader, fileInput, type Head, type PromiseFiles } from '../../bundle/index.ts'
import { detailOf, SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { addSignature, approvals, inspectHead, openKey, readRoot, type Root } from '../../tuf/index.ts'
import { completeIntent, signSlot, type SignedSlot } from './approval-intent.ts'
import type { AskPassphrase } from '../channel/folder.ts'
import { checkAgreement } from '../passage/head-checks.ts'
import { readLaw } from '../passage/passage.ts'
import { revocationIn } from '../passage/revocation-gate.ts'
import type { NewlyRevoked } from './newly-revoked.ts'
import { tagsSince, type TagsSince } from './tags-since.ts'
import type { CarriedRevocationReport, RevocationInformation } from '../revocation/information.ts'
import type { RunOptions } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'
import { summarize, type BundleSummary } from '../passage/summary.ts'

export interface ApproveOptions extends RunOptions {
  bundle: string
  /** The person's key file. */
  key: string
  passphrase: AskPassphrase
  /** The bundle id that the person means to approve; any other is refused. */
  id?: string | undefined
  /** A bundle or head of this channel that was approved before: what is revoked since then is told, what is left out, and which tags name something else. */
  since?: string | undefined
  /** Told what is promised, before the key is opened: a person decides by it. */
  onPromised?: ((promised: PromisedReport) => void) | undefined
  dryRun?: boolean | undefined
}

/** What a bundle revokes beyond an earlier one, beyond none that is all, and what of the earlier one it leaves out. */
export interface RevokedSinceReport extends NewlyRevoked {
  since: { bundle: string; id: Digest; sequence: number; approved: number; threshold: number } | null
}

/** What a person is shown and then signs. */
export interface PromisedReport {
  bundle: string
  id: Digest
  /** By how many people it is signed. */
  signed: number
  threshold: number
  summary: BundleSummary
  /** The lists, answers and denials in it; null when it has none. */
  revocation: CarriedRevocationReport | null
  /** What it newly revokes and leaves out; null when neither it nor the one it is compared with has lists, answers or denials. */
  revoked: RevokedSinceReport | null
  /** Which tags name something else than in the earlier one; null where none was named. */
  tags: TagsSince | null
}

export interface ApproveReport extends PromisedReport {
  keyid: string
  /** False when this person had signed already. */
  added: boolean
  dryRun: boolean
}

/** What is known of a bundle before a key is used on it. */
interface Promised {
  head: Head
  id: Digest
  files: PromiseFiles
  rootBytes: Buffer
  root: Root
  revocation: RevocationInformation | undefined
}

/** Proves that head, promise and law agree: what is shown is what is signed. */
async function readPromised(bundle: string, options: RunOptions & { id?: string | undefined }): Promise<Promised> {
  const input = fileInput(bundle)
  try {
    const reader = new BundleReader(input)
    const head = await reader.head()
    const { id, targets, parts } = inspectHead(head)
    if (options.id !== undefined && options.id !== id) {
      throw new SallyportError('USAGE', {
        side: 'bundle',
        subject: bundle,
        detail: `its id is ${id}, you asked for ${options.id}`,
        remedy: 'name the bundle that was reviewed, or have this one reviewed and say its id',
      })
    }
    const files = await reader.promise(targets)
    const rootBytes = head.roots.get(head.roots.size) ?? Buffer.alloc(0)
    const root = readRoot(rootBytes, { side: 'bundle', subject: `${head.roots.size}.root.json` })
    // What is shown must be what is signed: else a person approves until June what is good until 2099.
    for (const part of Object.values(parts)) checkAgreement(files, { ...part, purpose: root.purpose })
    if (root.channel !== parts.targets.channel)
      throw new SallyportError('CHANNEL_MISMATCH', {
        side: 'bundle',
        subject: bundle,
        detail: `its root is of ${root.channel}`,
      })
    // What every site would refuse is worth nobody's signature.
    const revocation = await revocationIn({ ...(await readLaw(reader, files, options)), files })
    return { head, id, files, rootBytes, root, revocation }
  } finally {
    await input.close()
  }
}

/** The earlier bundle or head to compare with. Throws CHANNEL_MISMATCH for one of another channel, USAGE for the same. */
async function readEarlier(file: string, { id, root }: Promised, options: RunOptions): Promise<Promised> {
  const earlier = await readPromised(file, { signal: options.signal }).catch((cause: unknown) => {
    if (!(cause instanceof SallyportError) || cause.subject?.includes(file) === true) throw cause
    // Two bundles are read: "offset 14" alone would be looked for in the other one.
    const { code, side, remedy } = cause
    const subject = cause.subject === undefined ? file : `${file}: ${cause.subject}`
    throw new SallyportError(code, { side, subject, detail: detailOf(cause), remedy, cause })
  })
  if (earlier.root.channel !== root.channel)
    throw new SallyportError('CHANNEL_MISMATCH', {
      side: 'bundle',
      subject: file,
      detail: `it is of ${earlier.root.channel}, the bundle of ${root.channel}`,
      remedy: `name an earlier bundle of ${root.channel} with --since`,
    })
  if (earlier.id === id)
    throw new SallyportError('USAGE', { side: 'bundle', subject: file, detail: 'it is the bundle itself' })
  return earlier
}

async function revokedSince(
  promised: Promised,
  since: string | undefined,
  earlier: Promised | undefined,
): Promise<RevokedSinceReport | null> {
  // A bundle with none leaves out all that the earlier one had: that is to be told, not passed over.
  if (promised.revocation === undefined && earlier?.revocation === undefined) return null
  const { newlyRevoked } = await import('./newly-revoked.ts')
  const found = newlyRevoked(promised.revocation, earlier?.revocation)
  if (earlier === undefined || since === undefined) return { since: null, ...found }
  const { id, files, head, rootBytes, root } = earlier
  const approved = approvals(head.targets, rootBytes).signed.length
  const { threshold } = root.roles.targets
  return { since: { bundle: since, id, sequence: files.transfer.sequence, approved, threshold }, ...found }
}

/**
 * Shows what the bundle promises and signs it, after proving that head, promise and law agree; payload is bound by them.
 * The root is the bundle's own newest: whether it leads to the pinned one is for the receiver to say.
 * Throws METADATA_MIXED when signed parts and promise differ, KEY_REFUSED for a key that the root does not name, CHANNEL_MISMATCH
 * and USAGE for an earlier bundle that is none, the codes of reading, and as {@link signSlot}.
 */
export async function approveBundle(options: ApproveOptions): Promise<ApproveReport> {
  const { bundle } = options
  if (bundle === '-') throw new SallyportError('APPROVAL_STREAM', { side: 'bundle', subject: '-' })
  const dryRun = options.dryRun === true
  if (!dryRun) await completeIntent(bundle)
  const promised = await readPromised(bundle, options)
  const { head, id, files, rootBytes, root, revocation } = promised
  const { since } = options
  const earlier = since === undefined ? undefined : await readEarlier(since, promised, options)
  const report: PromisedReport = {
    bundle,
    id,
    signed: approvals(head.targets, rootBytes).signed.length,
    threshold: root.roles.targets.threshold,
    summary: summarize(files, id),
    revocation: revocation === undefined ? null : { pieces: revocation.items, denials: revocation.denials ?? [] },
    revoked: await revokedSince(promised, since, earlier),
    tags: earlier === undefined ? null : tagsSince(files, earlier.files),
  }
  options.onPromised?.(report)
  const key = await openKey(
    readSmall(options.key).toString('latin1'),
    await options.passphrase(options.key),
    options.key,
  )
  demandPerson(promised, key.keyid, options.key)
  const sign = (slot: Buffer): Buffer => addSignature(slot, rootBytes, key)
  const { slot, added } = dryRun ? planned(head, sign) : await signSlot(bundle, id, sign)
  return { ...report, keyid: key.keyid, added, dryRun, signed: approvals(slot, rootBytes).signed.length }
}

/** Throws KEY_REFUSED, which names the file that was given: a root key, say, or a key of another channel. */
function demandPerson({ root }: Promised, keyid: string, file: string): void {
  if (root.roles.targets.keys.has(keyid)) return
  const isRootKey = root.roles.root.keys.has(keyid)
  throw new SallyportError('KEY_REFUSED', {
    side: 'source',
    subject: file,
    detail: isRootKey ? `it is a root key of ${root.channel}` : `it is no key of a person of ${root.channel}`,
    remedy: `sign with the key of one of the people who approve bundles of ${root.channel}`,
  })
}

function planned({ targets }: Head, sign: (slot: Buffer) => Buffer): SignedSlot {
  const slot = sign(targets)
  return { slot, added: !slot.equals(targets) }
}
