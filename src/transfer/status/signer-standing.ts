/** Whether whoever is about to sign is revoked, by a site's lists or by the folder that his certificate came from. */
import { distinguishedNameText, type Certificate } from '../../signature/index.ts'
import { State } from '../../state/index.ts'
import { PLAIN_REVOCATION } from '../../trust/index.ts'
import { caShow } from '../ca/show.ts'
import { SallyportError } from '../../errors/index.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import { nowOf, type RunOptions } from '../run/run.ts'

export interface SignerStandingOptions extends RunOptions {
  /** Leaf to root. */
  chain: readonly Certificate[]
  /** A site's state. */
  state?: string | undefined
  /** A folder of one's own authorities, where the chain lies in one. */
  folder?: string | undefined
}

export interface SignerStanding {
  signer: string
  /** Why each source says that the signer, or who issued to him, is revoked; empty when none says so. */
  revoked: { by: 'state' | 'folder'; why: string }[]
  /** Sources that could not be asked, with the code of why. */
  unasked: { by: 'state' | 'folder'; code: string }[]
}

type Found = string | undefined

async function byState(dir: string, chain: readonly Certificate[], now: Date): Promise<Found> {
  const known = new KnownRevocations(await State.open(dir, { now, write: false }))
  const { revocation } = known.means({ revocation: PLAIN_REVOCATION }, now)
  const result = await revocation?.({ chain, purpose: 'codeSigning' })
  return result?.status === 'revoked' ? result.detail : undefined
}

function byFolder(dir: string, chain: readonly Certificate[], now: Date): Found {
  const own = new Set(chain.map(({ sha256 }) => `sha256:${sha256}`))
  const { certificates } = caShow({ dir, now })
  const found = certificates.find(({ fingerprint, revoked }) => revoked !== null && own.has(fingerprint ?? ''))
  if (found === undefined || found.revoked === null) return undefined
  return `${found.subject}: ${found.revoked.reason}, since ${found.revoked.since}`
}

/** Nobody else is asked. What can't be read is told, and never stops a signature: verifiers have the last word. */
export async function signerStanding(options: SignerStandingOptions): Promise<SignerStanding> {
  const { chain, state, folder } = options
  const now = nowOf(options)
  const [leaf] = chain
  const standing: SignerStanding = {
    signer: leaf === undefined ? '' : distinguishedNameText(leaf.subject),
    revoked: [],
    unasked: [],
  }
  const ask = async (by: 'state' | 'folder', asked: () => Found | Promise<Found>): Promise<void> => {
    try {
      const why = await asked()
      if (why !== undefined) standing.revoked.push({ by, why })
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
      standing.unasked.push({ by, code: error.code })
    }
  }
  if (state !== undefined) await ask('state', () => byState(state, chain, now))
  if (folder !== undefined) await ask('folder', () => byFolder(folder, chain, now))
  return standing
}
