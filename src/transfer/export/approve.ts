/** `approve`: adds a further person's signature to a bundle file, in place. */
import { BundleReader, fileInput } from '../../bundle/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { addSignature, approvals, inspectHead, openKey, readRoot } from '../../tuf/index.ts'
import { completeIntent, replaceTargets } from './approval-intent.ts'
import { readSmall, type AskPassphrase } from '../channel/folder.ts'
import { checkAgreement, readLaw } from '../passage/passage.ts'
import { revocationIn } from '../passage/revocation-gate.ts'
import type { CarriedRevocationReport } from '../revocation/information.ts'
import type { RunOptions } from '../run/run.ts'
import { summarize, type BundleSummary } from '../passage/summary.ts'

export interface ApproveOptions extends RunOptions {
  bundle: string
  /** The person's key file. */
  key: string
  passphrase: AskPassphrase
  /** The bundle id that the person means to approve; any other is refused. */
  id?: string | undefined
  dryRun?: boolean | undefined
}

export interface ApproveReport {
  bundle: string
  id: Digest
  keyid: string
  /** False when this person had signed already. */
  added: boolean
  signed: number
  threshold: number
  summary: BundleSummary
  /** The lists, answers and denials in it; null when it has none. */
  revocation: CarriedRevocationReport | null
}

/**
 * Signs what the bundle promises, after proving that head, promise and law agree; payload is bound by them.
 * The root is the bundle's own newest: whether it leads to the pinned one is for the receiver to say.
 * Throws METADATA_MIXED when signed parts and promise differ, KEY_REFUSED for a key that the root does not name, and the codes of reading.
 */
export async function approveBundle(options: ApproveOptions): Promise<ApproveReport> {
  const { bundle } = options
  if (bundle === '-') throw new SallyportError('APPROVAL_STREAM', { side: 'bundle', subject: '-' })
  if (options.dryRun !== true) await completeIntent(bundle)
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
    const key = openKey(readSmall(options.key).toString('latin1'), await options.passphrase(options.key), options.key)
    const signed = addSignature(head.targets, rootBytes, key)
    const added = !signed.equals(head.targets)
    if (added && options.dryRun !== true) replaceTargets(bundle, head, signed)
    const count = approvals(signed, rootBytes).signed.length
    return {
      bundle,
      id,
      keyid: key.keyid,
      added,
      signed: count,
      threshold: root.roles.targets.threshold,
      summary: summarize(files, id),
      revocation: revocation === undefined ? null : { pieces: revocation.items, denials: revocation.denials ?? [] },
    }
  } finally {
    await input.close()
  }
}
