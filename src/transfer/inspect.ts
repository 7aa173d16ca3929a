/** `inspect`: what a bundle says of itself. Nothing is judged by keys; what is shown is a claim until `verify` agrees. */
import { BundleReader } from '../bundle/index.ts'
import { approvals, inspectHead } from '../tuf/index.ts'
import type { RunOptions } from './run.ts'
import { summarize, type BundleSummary } from './summary.ts'
import { openInput, type BundleInput } from './verify.ts'

export interface InspectOptions extends RunOptions {
  input: BundleInput
}

export interface InspectReport extends BundleSummary {
  verified: false
  /** Fingerprints of the roots in the bundle by version, to compare with what came by another way. */
  roots: Record<number, string>
  /** By the bundle's own newest root: who signed, of how many needed. */
  approvals: { signed: string[]; threshold: number; open: string[]; bad: number }
  previous: Record<string, { sequence: number; id: string } | null>
}

/** Reads head and promise only; damage behind them is not seen. */
export async function inspectBundle({ input: from, ...options }: InspectOptions): Promise<InspectReport> {
  const input = openInput(from, false, options)
  try {
    const reader = new BundleReader(input)
    const head = await reader.head()
    const claims = inspectHead(head)
    const files = await reader.promise(claims.targets)
    const { signed, threshold, open, bad } = approvals(head.targets, head.roots.get(head.roots.size) ?? Buffer.alloc(0))
    return {
      verified: false,
      ...summarize(files, claims.id),
      roots: claims.fingerprints,
      approvals: { signed, threshold, open, bad: bad.length },
      previous: files.transfer.previous,
    }
  } finally {
    await input.close()
  }
}
