/** Opens the key and chain that a person signs artifacts with. */
import { openSigningKey } from '../../ca/index.ts'
import { detailOf, isFault, SallyportError } from '../../errors/index.ts'
import { postTimestampQuery } from '../../registry/index.ts'
import {
  freshTimestamp,
  hashFor,
  localSigner,
  openPlugin,
  parseCertificates,
  pluginAlgorithm,
  pluginEnvelope,
  pluginSigner,
  type EnvelopeType,
  type PluginEnvelope,
  type PluginEnvelopeTerms,
  type SignatureAlgorithm,
  type Signer,
} from '../../signature/index.ts'
import type { AskPassphrase } from '../channel/folder.ts'
import { readSmall } from '../run/small-file.ts'

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
  const certificates = parseCertificates(readSmall(chain), chain)
  const opened = await openSigningKey(readSmall(key).toString('latin1'), await passphrase(key), key)
  return ofOwnChain(chain, () => localSigner(opened, certificates))
}

/** A chain that its owner named is his to mend, not some signer's. */
function ofOwnChain<T>(chain: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (!isFault(cause, 'CHAIN_INVALID', 'CHAIN_FILE')) throw cause
    const detail = cause.subject === undefined ? detailOf(cause) : `${cause.subject}: ${detailOf(cause)}`
    const remedy = 'name the chain of this key with --chain, leaf first, root last'
    throw new SallyportError(cause.code, { side: 'state', subject: chain, detail, remedy, cause })
  }
}

export interface PluginTerms {
  name: string
  keyId: string
  /** Notation's own folder, which holds `plugins/`. */
  folder: string
  config: Readonly<Record<string, string>>
  environment: Readonly<Record<string, string>>
  /** The chain of the key, where the plugin should not be asked for it; a file as for {@link openSigner}. Raw signatures only. */
  chain?: string | undefined
  signal?: AbortSignal | undefined
}

/** A signer whose device makes whole envelopes. */
export interface EnvelopeSigner {
  /** What its key signs with, as the device says: asked for only where the payload hangs on it. */
  algorithm(): Promise<SignatureAlgorithm>
  envelope(
    payload: Uint8Array,
    mediaType: EnvelopeType,
    times: Pick<PluginEnvelopeTerms, 'now' | 'expirySeconds'>,
  ): Promise<PluginEnvelope>
}

/**
 * A signer with the key in a device behind a plugin of Notation. What it signs is verified before it is used.
 * Throws PLUGIN_MISSING, PLUGIN_FAILED, CERTIFICATE_FILE, CHAIN_INVALID; USAGE for a chain that would not be used.
 */
export async function openPluginSigner(terms: PluginTerms): Promise<Signer | EnvelopeSigner> {
  const { name, keyId, chain, ...place } = terms
  const plugin = await openPlugin(name, place)
  if (plugin.capabilities.has('SIGNATURE_GENERATOR.RAW'))
    return pluginSigner(plugin, keyId, chain === undefined ? undefined : parseCertificates(readSmall(chain), chain))
  // Whoever names a chain counts on it being the one that is signed with.
  if (chain !== undefined)
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: '--chain',
      detail: 'a plugin that makes whole envelopes has its own chain',
    })
  return {
    algorithm: () => pluginAlgorithm(plugin, keyId),
    envelope: (payload, mediaType, times) => pluginEnvelope(plugin, { keyId, payload, mediaType, ...times }),
  }
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
