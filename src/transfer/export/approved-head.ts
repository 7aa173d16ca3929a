/**
 * A head on its own: all of a bundle up to its payload, written first, so that people approve it in place before
 * anything large is fetched; then the rest is streamed behind it. It is a prefix of the bundle, with an end mark.
 */
import { BundleReader, fileInput, layOut, type BundleLayout, type Content, type Head } from '../../bundle/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { DescriptorTable, type Descriptor, type Digest } from '../../oci/index.ts'
import { approvals, inspectHead } from '../../tuf/index.ts'
import type { ExportLog } from '../channel/export-log.ts'
import type { MadeBundle } from './made.ts'
import { removedIn, type Removed } from './removed-tags.ts'
import type { ExportOptions, ExportTerms } from './terms.ts'
import type { Resolved } from '../place/gather.ts'
import { readLaw } from '../passage/passage.ts'
import { revocationIn } from '../passage/revocation-gate.ts'
import type { RevocationInformation } from '../revocation/information.ts'
import { timeText, type RunOptions } from '../run/run.ts'

export interface ApprovedHead {
  file: string
  id: Digest
  sequence: number
  created: string
  /** What its tags were resolved to. */
  resolved: Resolved
  removed: Removed
  head: Head
  /** How many people have signed. */
  signed: number
  /** What it carries on revocation, which can't be collected again: it would be another. */
  revocation: RevocationInformation | undefined
}

function mismatch(file: string, detail: string): SallyportError {
  return new SallyportError('HEAD_MISMATCH', { side: 'source', subject: file, detail })
}

/** The layout of the head alone: head, promise and law where they stand in the bundle too. */
export function layOutHead({ head, files }: MadeBundle, { folder }: ExportTerms, content: Content): BundleLayout {
  return layOut({ channel: folder.channel, roots: folder.roots, ...head }, files.files, {
    ...content,
    payload: new DescriptorTable(),
  })
}

/** Throws APPROVAL_MISSING when fewer people have signed than the channel demands. */
export function demandApprovals(signed: number, { folder }: ExportTerms, subject: string): void {
  const { threshold } = folder.root.roles.targets
  if (signed >= threshold) return
  throw new SallyportError('APPROVAL_MISSING', {
    side: 'source',
    subject,
    detail: `${signed} of ${threshold}`,
    remedy: 'export the head with --head FILE, have it approved, then stream behind it with --approved FILE',
  })
}

/**
 * The head in a file, which this channel gave a number to and enough people have signed under the channel's own root.
 * Throws HEAD_MISMATCH for what is none of this channel's, APPROVAL_MISSING, SIGNATURE_INVALID, and the codes of reading.
 */
export async function readApprovedHead(
  file: string,
  terms: ExportTerms,
  log: ExportLog,
  options: RunOptions & Pick<ExportOptions, 'created' | 'sequence'>,
): Promise<ApprovedHead> {
  const input = fileInput(file)
  try {
    const reader = new BundleReader(input)
    const head = await reader.head()
    const { id, sequence, targets } = inspectHead(head)
    // Whoever can write the file can put another bundle there, to bind tags as it suits him.
    if (!log.gave({ sequence, id })) throw mismatch(file, `this channel gave the number ${sequence} to no such bundle`)
    const files = await reader.promise(targets)
    const { created } = files.transfer
    if ((options.sequence ?? sequence) !== sequence || timeText(options.created ?? new Date(created)) !== created)
      throw mismatch(file, `it has sequence ${sequence} and was made ${created}`)
    const { census, law } = await readLaw(reader, files, options)
    const revocation = await revocationIn({ census, law, files })
    await reader.end()
    const { signed, bad } = approvals(head.targets, terms.folder.root.bytes)
    if (bad[0] !== undefined)
      throw new SallyportError('SIGNATURE_INVALID', { side: 'source', subject: file, detail: bad[0].keyid })
    demandApprovals(signed.length, terms, file)
    const resolved = census.repositories.flatMap(({ graph, bindings, untagged }) => [
      ...[...bindings].map(([tag, bound]): [string, Descriptor] => [`${graph.repository}:${tag}`, bound]),
      ...untagged.map((bound): [string, Descriptor] => [`${graph.repository}@${bound.digest}`, bound]),
    ])
    const removed = removedIn(census.repositories)
    const settled = { resolved: new Map(resolved), removed, revocation }
    return { file, id, sequence, created, ...settled, head, signed: signed.length }
  } finally {
    await input.close()
  }
}

/**
 * The bundle with the signatures of its approved head. Throws HEAD_MISMATCH unless the head is the one that this export
 * makes, byte for byte but for the signatures of people.
 */
export function withApprovals(
  made: MadeBundle,
  { file, id, head }: ApprovedHead,
  { folder }: ExportTerms,
  content: Content,
): MadeBundle {
  if (made.head.id !== id) throw mismatch(file, `this export makes ${made.head.id}, approved was ${id}`)
  const same =
    head.roots.size === folder.roots.length &&
    folder.roots.every((root, i) => head.roots.get(i + 1)?.equals(root) === true) &&
    head.timestamp.equals(made.head.timestamp) &&
    head.snapshot.equals(made.head.snapshot) &&
    // Its signed part is equal, since the id is; a slot has one form for what it holds.
    head.targets.length === made.head.targets.length
  if (!same) throw mismatch(file, 'its roots, timestamp or snapshot are not those of this export')
  const { files } = made
  const signed = { ...made.head, targets: head.targets }
  const layout = layOut({ channel: folder.channel, roots: folder.roots, ...signed }, files.files, content)
  return { head: signed, files, layout }
}
