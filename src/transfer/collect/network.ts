/** Lists and OCSP answers from the addresses in certificates. Anybody can attach a certificate: each address is hostile. */
import { detailOf, SallyportError } from '../../errors/index.ts'
import { REVOCATION_LIST_CAP } from '../../oci/index.ts'
import { getDocument, NARROW, type DocumentAddress } from '../../registry/index.ts'
import { ANSWER_CAP, ocspRequest, type RevocationList } from '../../revocation/index.ts'
import { demandWantedList, proveAnswer, readList, type CollectedAnswer, type CollectedList } from './proof.ts'
import type { WantedAnswer, WantedDelta, WantedList } from './wants.ts'
import type { RunOptions } from '../run/run.ts'

/** Where lists and answers come from. Each throws a SallyportError for what can't be had or is not what was wanted. */
export interface RevocationSource {
  list(wanted: WantedList | WantedDelta): Promise<CollectedList>
  answer(wanted: WantedAnswer): Promise<CollectedAnswer>
  /** What a person should know of the place as a whole. */
  warnings(): string[]
}

export interface NetworkTerms extends RunOptions {
  now: Date
  /** Further authorities for `https`. */
  caPem?: string | undefined
  /** Also dials this machine and private networks. */
  allowPrivate: boolean
}

/** A list of 64 MiB over 5 Mbit/s. */
const LIST_MS = 120_000
const ANSWER_MS = 30_000
const REDIRECTS = 3
const TRIES = 2

function allowing(detail: string): { remedy?: string } {
  return detail === NARROW ? { remedy: 'if it is meant, add --allow-private (allowPrivate: true in the plan)' } : {}
}

/** Throws LIST_UNAVAILABLE, or the signal's reason. */
async function fetched(address: DocumentAddress, cap: number): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await getDocument(address, cap)
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
      if (error.code === 'REGISTRY_UNREACHABLE' && attempt < TRIES) continue
      const detail = detailOf(error)
      throw new SallyportError('LIST_UNAVAILABLE', {
        side: 'source',
        subject: address.url,
        detail,
        ...allowing(detail),
      })
    }
  }
}

/** Fetches each address once. */
export function networkSource({ now, caPem, allowPrivate, signal }: NetworkTerms): RevocationSource {
  const common = { side: 'source', caPem, signal, reach: allowPrivate ? 0 : 2, redirects: REDIRECTS } as const
  // An issuer that changed its key, and bases that share a delta, have one address for several lists wanted.
  const lists = new Map<string, Promise<RevocationList>>()
  const listAt = async (url: string): Promise<RevocationList> =>
    readList(await fetched({ ...common, url, timeoutMs: LIST_MS }, REVOCATION_LIST_CAP))
  return {
    async list(wanted) {
      const { url } = wanted
      const asked = lists.get(url) ?? listAt(url)
      lists.set(url, asked)
      return demandWantedList(await asked, wanted)
    },
    async answer(wanted) {
      const { url, certificate, issuer } = wanted
      const question = {
        type: 'application/ocsp-request',
        answer: 'application/ocsp-response',
        body: ocspRequest(certificate, issuer),
      }
      return proveAnswer(await fetched({ ...common, url, question, timeoutMs: ANSWER_MS }, ANSWER_CAP), wanted, now)
    },
    warnings: () => [],
  }
}
