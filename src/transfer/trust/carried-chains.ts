/** The certificate chains in the signatures that graphs carry. */
import PQueue from 'p-queue'
import type { Graph } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import {
  envelopeOf,
  openEnvelopeAsync,
  openTimestamp,
  rememberingReader,
  type Certificate,
} from '../../signature/index.ts'
import { isElsewhere, type ReadEnvelope } from './found-signatures.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import type { CarriedChain } from './document.ts'

export interface FoundChains {
  chains: CarriedChain[]
  /** Signatures and timestamps that could not be opened: what they hold is no chain. */
  unreadable: number
}

/** What the task gives, or undefined where it fails by what it reads. */
async function attempt<T>(task: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await task()
  } catch (error) {
    if (!(error instanceof SallyportError) || isElsewhere(error)) throw error
    return undefined
  }
}

function carried(purpose: CarriedChain['purpose'], [first, ...above]: readonly Certificate[]): CarriedChain[] {
  return first === undefined ? [] : [{ purpose, chain: [first, ...above] }]
}

/**
 * The chains of every Notary Project signature, and of its timestamp as far as that carries one. Each signature holds,
 * and each chain keeps the rules; nothing is said on trust, time or revocation. An envelope that can't be read or opened
 * is counted: the judge of the artifact says what is wrong with it.
 */
export async function chainsIn(
  graphs: readonly { graph: Graph; read: ReadEnvelope }[],
  options: RunOptions & { concurrency: number },
): Promise<FoundChains> {
  const found: FoundChains = { chains: [], unreadable: 0 }
  const wanted = new Map<Digest, { envelope: Descriptor; read: ReadEnvelope }>()
  for (const { graph, read } of graphs) {
    for (const { manifest } of graph.nodes.values()) {
      const named = await attempt(() => ({ envelope: envelopeOf(manifest) }))
      if (named === undefined) found.unreadable++
      else if (named.envelope !== undefined) wanted.set(named.envelope.digest, { envelope: named.envelope, read })
    }
  }
  const reader = rememberingReader()
  const open = async ({ envelope, read }: { envelope: Descriptor; read: ReadEnvelope }): Promise<void> => {
    checkInterrupted(options)
    const opened = await attempt(async () => openEnvelopeAsync(envelope.mediaType, await read(envelope), reader))
    if (opened === undefined) found.unreadable++
    else found.chains.push(...carried('signing', opened.chain))
    const { timestamp, signature } = opened ?? {}
    if (timestamp === undefined || signature === undefined) return
    const token = await attempt(() => openTimestamp(timestamp, signature))
    if (token === undefined) found.unreadable++
    else found.chains.push(...carried('timestamping', token.chain))
  }
  await new PQueue({ concurrency: options.concurrency }).addAll([...wanted.values()].map((item) => () => open(item)))
  return found
}
