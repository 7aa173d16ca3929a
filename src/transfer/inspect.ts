/** `inspect`: what a bundle says of itself. Nothing is judged by keys; what is shown is a claim until `verify` agrees. */
import { BundleReader, type PromiseFiles } from '../bundle/index.ts'
import { approvals, inspectHead } from '../tuf/index.ts'
import { nowOf, type RunOptions } from './run.ts'
import { summarize, type BundleSummary } from './summary.ts'
import type { TrustTree } from './trust-tree.ts'
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
}

/** Reads head and promise only, and with `trust` the law; damage behind that is not seen. */
export async function inspectBundle({ input: from, trust, ...options }: InspectOptions): Promise<InspectReport> {
  const input = openInput(from, false, options)
  try {
    const reader = new BundleReader(input)
    const head = await reader.head()
    const claims = inspectHead(head)
    const files = await reader.promise(claims.targets)
    const tree = trust === true ? await trustIn(reader, files, options) : undefined
    const { signed, threshold, open, bad } = approvals(head.targets, head.roots.get(head.roots.size) ?? Buffer.alloc(0))
    return {
      verified: false,
      ...summarize(files, claims.id),
      roots: claims.fingerprints,
      approvals: { signed, threshold, open, bad: bad.length },
      previous: files.transfer.previous,
      ...(tree === undefined ? {} : { trust: tree }),
    }
  } finally {
    await input.close()
  }
}

// Loaded only when asked for: the rest of `inspect` needs no certificates, and starts faster.
async function trustIn(reader: BundleReader, files: PromiseFiles, options: RunOptions): Promise<TrustTree> {
  const [{ readLaw }, { readTrustInformation }, { trustTree }] = await Promise.all([
    import('./passage.ts'),
    import('./trust-information.ts'),
    import('./trust-tree.ts'),
  ])
  return trustTree(readTrustInformation({ ...(await readLaw(reader, files, options)), files }), nowOf(options))
}
