/** How the chain of an envelope is read and proven, and a reader that remembers it: many signatures share one chain. */
import { hash } from 'node:crypto'
import { parseCertificate, type Certificate } from './certificate.ts'
import { checkChain } from './chain.ts'

export interface ChainReader {
  /** The certificates. Throws CERTIFICATE_MALFORMED. */
  parse(ders: readonly Uint8Array[]): Certificate[]
  /** Returns when they make a chain for signing artifacts. Throws CHAIN_INVALID. */
  check(chain: Certificate[]): void
}

export const PLAIN_READER: ChainReader = {
  parse: (ders) => ders.map((der) => parseCertificate(der)),
  check: (chain) => checkChain(chain, 'codeSigning'),
}

/** A flood of chains, or of large ones, starts the memory anew instead of filling it. */
const CHAIN_MEMORY = 256
const BYTES_MEMORY = 1024 * 1024

/** A reader that parses and checks equal chains once; for one run, since it keeps what it has seen. Failures are not kept. */
export function rememberingReader(): ChainReader {
  const chains = new Map<string, Certificate[]>()
  let checked = new WeakSet<Certificate[]>()
  let held = 0
  return {
    parse(ders) {
      const key = ders.map((der) => hash('sha256', der, 'base64')).join(' ')
      const known = chains.get(key)
      if (known !== undefined) return known
      const chain = PLAIN_READER.parse(ders)
      const bytes = ders.reduce((sum, der) => sum + der.length, 0)
      if (chains.size >= CHAIN_MEMORY || held + bytes > BYTES_MEMORY) {
        chains.clear()
        checked = new WeakSet()
        held = 0
      }
      chains.set(key, chain)
      held += bytes
      return chain
    },
    check(chain) {
      if (checked.has(chain)) return
      PLAIN_READER.check(chain)
      checked.add(chain)
    },
  }
}
