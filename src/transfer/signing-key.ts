/** Opens the key and chain that a person signs artifacts with. */
import { openSigningKey } from '../ca/index.ts'
import { postTimestampQuery } from '../registry/index.ts'
import {
  freshTimestamp,
  hashFor,
  localSigner,
  parseCertificates,
  type SignatureAlgorithm,
  type Signer,
} from '../signature/index.ts'
import { readSmall, type AskPassphrase } from './channel-folder.ts'

/** The files of a signer. */
export interface SignerFiles {
  /** Encrypted PKCS#8 in PEM. */
  key: string
  /** Leaf first, root last; PEM. */
  chain: string
  passphrase: AskPassphrase
}

/**
 * A signer with the key in a file.
 * Throws FILE_UNREADABLE, CERTIFICATE_FILE, CHAIN_FILE, CHAIN_INVALID, KEY_MALFORMED, KEY_PASSPHRASE.
 */
export async function openSigner({ key, chain, passphrase }: SignerFiles): Promise<Signer> {
  const certificates = parseCertificates(readSmall(chain))
  return localSigner(openSigningKey(readSmall(key).toString('latin1'), await passphrase(key), key), certificates)
}

/** A timestamp authority, as the command line names it. */
export interface TimestampTerms {
  url: string
  caPem?: string | undefined
  signal?: AbortSignal | undefined
}

/** Asks the authority for a token over each signature, proven to be over that signature. Throws TSA_FAILED. */
export function timestamper(
  terms: TimestampTerms,
  algorithm: SignatureAlgorithm,
): (signature: Buffer) => Promise<Buffer> {
  return (signature) =>
    freshTimestamp(signature, hashFor(algorithm), (query) => postTimestampQuery(terms, query), 'target')
}
