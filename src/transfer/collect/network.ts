/** Lists and OCSP answers from the addresses in certificates. Anybody can attach a certificate: each address is hostile. */
import { detailOf, SallyportError } from '../../errors/index.ts'
import { REVOCATION_LIST_CAP } from '../../oci/index.ts'
import { getDocument, NARROW, type DocumentAddress } from '../../registry/index.ts'
import { ANSWER_CAP, ocspRequest, type RevocationList } from '../../revocation/index.ts'
import { demandWantedList, proveAnswer, readList, type CollectedAnswer, type CollectedList } from './proof.ts'
import type { Allowance } from './allowance.ts'
import type { WantedAnswer, WantedDelta, WantedList } from './wants.ts'

/** Where lists and answers come from. Each throws a SallyportError for what can't be had or is not what was wanted. */
export interface RevocationSource {
  list(wanted: WantedList | WantedDelta, allowance: Allowance): Promise<CollectedList>
  answer(wanted: WantedAnswer, allowance: Allowance): Promise<CollectedAnswer>
  /** What a person should know of the place as a whole. */
  warnings(): string[]
}

export interface NetworkTerms {
  now: Date
  /** Further authorities for `https`. */
  caPem?: string | undefined
  /** Also dials this machine and private networks. */
  allowPrivate: boolean
}

const ANSWER_MS = 30_000
const REDIRECTS = 3

function allowing(detail: string): { remedy?: string } {
  return detail === NARROW ? { remedy: 'if it is meant, add --allow-private (allowPrivate: true in the plan)' } : {}
}

/** Throws LIST_UNAVAILABLE, or the signal's reason. */
async function fetched(
  address: DocumentAddress & { timeoutMs: number },
  cap: number,
  allowance: Allowance,
): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    const { bytes, ms, tries, signal, done } = allowance.portion(cap)
    let used = 0
    try {
      const found = await getDocument({ ...address, signal, timeoutMs: Math.min(ms, address.timeoutMs) }, bytes)
      used = found.length
      return found
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
      // The time of all was over: that is no fault of this address.
      if (error.code === 'LIST_UNAVAILABLE') throw error
      if (error.code === 'REGISTRY_UNREACHABLE' && attempt < tries) continue
      // What came before it was given up was fetched all the same.
      if (error.code === 'LIMIT_EXCEEDED') used = bytes
      const detail = detailOf(error)
      throw new SallyportError('LIST_UNAVAILABLE', {
        side: 'source',
        subject: address.url,
        detail,
        ...allowing(detail),
      })
    } finally {
      done(used)
    }
  }
}

/** Fetches each address once. */
export function networkSource({ now, caPem, allowPrivate }: NetworkTerms): RevocationSource {
  const common = { side: 'source', caPem, reach: allowPrivate ? 0 : 2, redirects: REDIRECTS } as const
  // An issuer that changed its key, and bases that share a delta, have one address for several lists wanted.
  const lists = new Map<string, Promise<RevocationList>>()
  const listAt = async (url: string, allowance: Allowance): Promise<RevocationList> =>
    readList(await fetched({ ...common, url, timeoutMs: Infinity }, REVOCATION_LIST_CAP, allowance))
  return {
    async list(wanted, allowance) {
      const { url } = wanted
      const asked = lists.get(url) ?? listAt(url, allowance)
      lists.set(url, asked)
      return demandWantedList(await asked, wanted)
    },
    async answer(wanted, allowance) {
      const { url, certificate, issuer } = wanted
      const question = {
        type: 'application/ocsp-request',
        answer: 'application/ocsp-response',
        body: ocspRequest(certificate, issuer),
      }
      const address = { ...common, url, question, timeoutMs: ANSWER_MS }
      return proveAnswer(await fetched(address, ANSWER_CAP, allowance), wanted, now)
    },
    warnings: () => [],
  }
}
