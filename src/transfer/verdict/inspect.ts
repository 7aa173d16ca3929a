/** `inspect`: what a bundle says of itself. Nothing is judged by keys; what is shown is a claim until `verify` agrees. */
import { BundleReader, type PromiseFiles } from '../../bundle/index.ts'
import { approvals, inspectHead } from '../../tuf/index.ts'
import type { Passage } from '../passage/passage.ts'
import { revocationIn } from '../passage/revocation-gate.ts'
import type { CarriedRevocationReport } from '../revocation/information.ts'
import { nowOf, type RunOptions } from '../run/run.ts'
import { summarize, type BundleSummary } from '../passage/summary.ts'
import type { TrustTree } from '../passage/trust-tree.ts'
import { openInput, type BundleInput } from './verify.ts'

export interface InspectOptions extends RunOptions {
  input: BundleInput
  /** Reads the law too, and shows what rides along to inform on trust. */
  trust?: boolean | undefined
}

export interface InspectReport extends BundleSummary {
  verified: false
  /** Fingerprints of the roots in the bundle by version, to compare with what came by another way. */
  roots: Record<number, string>
  /** By the bundle's own newest root: who signed, of how many needed. */
  approvals: { signed: string[]; threshold: number; open: string[]; bad: number }
  previous: Record<string, { sequence: number; id: string } | null>
  /** When it was asked for. */
  trust?: TrustTree
  /** Lists, answers and denials, of a revocation bundle or when trust was asked for; each is proven by its issuer, or refused. */
  revocation?: CarriedRevocationReport
}

/** Reads head and promise only, the law with `trust` and of a revocation bundle; damage behind that is not seen. */
export async function inspectBundle({ input: from, trust, ...options }: InspectOptions): Promise<InspectReport> {
  const input = openInput(from, false, options)
  try {
    const reader = new BundleReader(input)
    const head = await reader.head()
    const claims = inspectHead(head)
    const files = await reader.promise(claims.targets)
    // Else a person would approve denials by their digest.
    const whole = trust === true || files.transfer.purpose === 'revocation'
    const read = whole ? { ...(await readLawOf(reader, files, options)), files } : undefined
    const tree = trust === true && read !== undefined ? await trustIn(read, options) : undefined
    const revocation = read && (await revocationIn(read))
    const { signed, threshold, open, bad } = approvals(head.targets, head.roots.get(head.roots.size) ?? Buffer.alloc(0))
    return {
      verified: false,
      ...summarize(files, claims.id),
      roots: claims.fingerprints,
      approvals: { signed, threshold, open, bad: bad.length },
      previous: files.transfer.previous,
      ...(tree === undefined ? {} : { trust: tree }),
      ...(revocation === undefined
        ? {}
        : { revocation: { pieces: revocation.items, denials: revocation.denials ?? [] } }),
    }
  } finally {
    await input.close()
  }
}

// Loaded only when asked for: the rest of `inspect` needs no certificates, and starts faster.
async function trustIn(read: Pick<Passage, 'census' | 'law' | 'files'>, options: RunOptions): Promise<TrustTree> {
  const [{ readTrustInformation }, { trustTree }] = await Promise.all([
    import('../passage/trust-information.ts'),
    import('../passage/trust-tree.ts'),
  ])
  return trustTree(readTrustInformation(read), nowOf(options))
}

async function readLawOf(
  reader: BundleReader,
  files: PromiseFiles,
  options: RunOptions,
): Promise<Pick<Passage, 'census' | 'law'>> {
  return (await import('../passage/passage.ts')).readLaw(reader, files, options)
}
