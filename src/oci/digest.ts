/** Content digests (OCI image spec, descriptor.md "Digests"): sha256 and sha512, lower-case hex, nothing else. */
import { createHash, hash, type Hash } from 'node:crypto'
import { SallyportError, type Side } from '../errors/index.ts'

export type Algorithm = 'sha256' | 'sha512'
export type Digest = `${Algorithm}:${string}`

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

/** True for a digest of an accepted algorithm, in lower case and of full length. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text)
}

/** The digest a text stands for. Throws DIGEST_MALFORMED: an unknown algorithm would go unchecked. */
export function parseDigest(text: unknown, side: Side, subject: string): Digest {
  if (isDigest(text)) return text
  throw new SallyportError('DIGEST_MALFORMED', { side, subject, detail: JSON.stringify(text)?.slice(0, 160) })
}

export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The hexadecimal part. */
export function hexOf(digest: Digest): string {
  return digest.slice(7)
}

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, bytes, 'hex')}`
}

/** A running hash for the algorithm of a digest. */
export function hasherFor(digest: Digest): Hash {
  return createHash(algorithmOf(digest))
}
