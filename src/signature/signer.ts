/** Who signs: a key with its chain, whether the key lies here or behind a plugin. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { SallyportError } from '../errors/index.ts'
import { signPrimitive, type SignatureAlgorithm } from './algorithm.ts'
import type { Certificate } from './certificate.ts'
import { checkChain } from './chain.ts'

export interface Signer {
  algorithm: SignatureAlgorithm
  /** Signer first, root last. */
  chain: readonly Certificate[]
  /** The primitive signature over the bytes: RSA-PSS with a salt as long as the hash, ECDSA as r || s. */
  sign(bytes: Uint8Array): Promise<Buffer>
}

/**
 * A signer with a private key that lies here.
 * Throws CHAIN_FILE when the first certificate is not the key's, ALGORITHM_REFUSED when no Notary Project signature
 * may use such a key, CHAIN_INVALID when the chain breaks the rules.
 */
export function localSigner(key: KeyObject, chain: readonly Certificate[]): Signer {
  const [leaf] = chain
  const subject = 'signer'
  if (leaf === undefined) throw new SallyportError('CHAIN_FILE', { side: 'source', subject, detail: 'no certificate' })
  if (!createPublicKey(key).equals(leaf.publicKey)) {
    const detail = 'the first certificate is for another key'
    throw new SallyportError('CHAIN_FILE', { side: 'source', subject, detail })
  }
  const { algorithm } = leaf
  if (algorithm === undefined) {
    const detail = 'RSA of 2048, 3072 or 4096 bits, or P-256, P-384 or P-521'
    throw new SallyportError('ALGORITHM_REFUSED', { side: 'source', subject, detail })
  }
  checkChain(chain, 'codeSigning')
  return { algorithm, chain, sign: async (bytes) => signPrimitive(algorithm, key, bytes) }
}
