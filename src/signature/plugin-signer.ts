/** Signing by a plugin: what comes back is verified with the chain that came back, before anyone uses it. */
import { isJsonObject, parseJson, sortedJson, type JsonObject } from '../codec/index.ts'
import { hashFor, verifyPrimitive, type SignatureAlgorithm } from './algorithm.ts'
import { parseCertificate, type Certificate } from './certificate.ts'
import { checkChain } from './chain.ts'
import { openEnvelope, type Envelope, type EnvelopeType } from './envelope.ts'
import { PAYLOAD_TYPE } from './payload.ts'
import { pluginFault, type PluginAnswer } from './plugin-answer.ts'
import type { Plugin } from './plugin.ts'
import type { Signer } from './signer.ts'
import { openTimestamp } from './timestamp-token.ts'

const KEY_SPECS = new Map<string, SignatureAlgorithm>([
  ['RSA-2048', 'PS256'],
  ['RSA-3072', 'PS384'],
  ['RSA-4096', 'PS512'],
  ['EC-256', 'ES256'],
  ['EC-384', 'ES384'],
  ['EC-521', 'ES512'],
])
const HASHES = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' } as const
const RESERVED = 'io.cncf.notary'
/** What a key signs to show its chain: no JWS (it has blanks) and no COSE (it is text), so that it can't pass for one. */
const CHAIN_PROBE = Buffer.from('Sallyport asks for the certificate chain of this key; this is not a signature.')

function signingAlgorithm(algorithm: SignatureAlgorithm): string {
  return `${algorithm.startsWith('PS') ? 'RSASSA-PSS' : 'ECDSA'}-${HASHES[hashFor(algorithm)]}`
}

/** What the first error says, PLUGIN_FAILED around it: whose fault a bad chain or envelope is. */
function blaming<T>(answer: PluginAnswer, check: () => T): T {
  try {
    return check()
  } catch (cause) {
    throw answer.fault(cause instanceof Error ? cause.message : 'it is no signature', cause)
  }
}

function readChain(answer: PluginAnswer): Certificate[] {
  return blaming(answer, () => {
    const chain = answer.manyBytes('certificateChain').map((der) => parseCertificate(der))
    checkChain(chain, 'codeSigning')
    return chain
  })
}

async function describeKey(plugin: Plugin, keyId: string): Promise<{ keySpec: string; algorithm: SignatureAlgorithm }> {
  const described = await plugin.ask('describe-key', { keyId })
  described.echo('keyId', keyId)
  const keySpec = described.text('keySpec')
  const algorithm = KEY_SPECS.get(keySpec)
  if (algorithm === undefined) throw described.fault('keySpec is of no key that may sign')
  return { keySpec, algorithm }
}

/** What the key of a plugin signs with, as the plugin says. Throws PLUGIN_FAILED. */
export async function pluginAlgorithm(plugin: Plugin, keyId: string): Promise<SignatureAlgorithm> {
  return (await describeKey(plugin, keyId)).algorithm
}

/**
 * A signer whose key lies behind a plugin of capability SIGNATURE_GENERATOR.RAW.
 * Every signature is verified by the chain that comes with it, which must be `chain`. Without `chain` the key signs one
 * fixed text, by which the plugin shows its chain. Throws PLUGIN_FAILED.
 */
export async function pluginSigner(plugin: Plugin, keyId: string, chain?: readonly Certificate[]): Promise<Signer> {
  if (!plugin.capabilities.has('SIGNATURE_GENERATOR.RAW')) throw pluginFault(plugin.name, 'it makes no raw signatures')
  const { keySpec, algorithm } = await describeKey(plugin, keyId)
  const generate = async (bytes: Uint8Array): Promise<{ signature: Buffer; chain: Certificate[] }> => {
    const payload = Buffer.from(bytes).toString('base64')
    const request = { keyId, keySpec, hashAlgorithm: HASHES[hashFor(algorithm)], payload }
    const answer = await plugin.ask('generate-signature', request)
    answer.echo('keyId', keyId)
    answer.echo('signingAlgorithm', signingAlgorithm(algorithm))
    const signature = answer.bytes('signature')
    const own = readChain(answer)
    const [leaf] = own
    // Stops a plugin that signs other bytes, or with another key than it shows.
    if (leaf === undefined || !verifyPrimitive(algorithm, leaf.publicKey, bytes, signature))
      throw answer.fault('the signature does not verify')
    return { signature, chain: own }
  }
  const known = chain ?? (await generate(CHAIN_PROBE)).chain
  return {
    algorithm,
    chain: known,
    sign: async (bytes) => {
      const { signature, chain: shown } = await generate(bytes)
      // The chain goes into the envelope: stops one from being signed for and another one from being shown.
      if (shown.map(({ sha256 }) => sha256).join() !== known.map(({ sha256 }) => sha256).join())
        throw pluginFault(plugin.name, 'generate-signature: the certificate chain is another one')
      return signature
    },
  }
}

export interface PluginEnvelopeTerms {
  keyId: string
  mediaType: EnvelopeType
  /** From `targetPayload`. */
  payload: Uint8Array
  /** When it is asked for, by the clock of the run. */
  now: Date
  /** From the signing time on; at least 1. */
  expirySeconds?: number | undefined
}

/**
 * How far a device's clock may be from the run's, in milliseconds: that of a token or an enclave is seldom set, and a wrong
 * summer time is an hour. A signature may outlive what was asked by as much, and no more.
 */
const CLOCK_TOLERANCE = 3_600_000

export interface PluginEnvelope {
  bytes: Buffer
  envelope: Envelope
  /** To be added to the annotations of the signature's manifest. */
  annotations: Readonly<Record<string, string>>
}

function parts(payload: Uint8Array): { target: string; annotations: JsonObject } {
  const document = parseJson(payload, 'state', 'payload')
  const target = isJsonObject(document) ? document['targetArtifact'] : undefined
  if (!isJsonObject(document) || !isJsonObject(target)) throw new Error('the payload names no target')
  const { annotations = {}, ...rest } = target
  if (!isJsonObject(annotations)) throw new Error('the annotations of the target are none')
  return { target: sortedJson({ ...document, targetArtifact: rest }), annotations }
}

/** Stops a plugin from having something else signed: it may add annotations to what it was asked for, and nothing else. */
function checkPayload(asked: Uint8Array, signed: Uint8Array): void {
  const [ours, theirs] = [parts(asked), parts(signed)]
  if (ours.target !== theirs.target) throw new Error('another target is signed')
  const changed = Object.entries(ours.annotations).find(([name, value]) => theirs.annotations[name] !== value)
  if (changed !== undefined) throw new Error('an annotation of the target is missing or changed')
}

/**
 * Stops a signature that outlives what the signer wanted. The signing time is the plugin's to write too: one of 2045 would
 * make an expiry of the day after look short.
 */
function checkTimes(
  { expiry, signingTime, authenticSigningTime }: Envelope,
  { now, expirySeconds }: PluginEnvelopeTerms,
): void {
  const from = signingTime ?? authenticSigningTime
  if (from !== undefined && Math.abs(from.getTime() - now.getTime()) > CLOCK_TOLERANCE)
    throw new Error('the signing time is over an hour away from the time here')
  if (expirySeconds === undefined) return
  if (expiry === undefined || from === undefined) throw new Error('the signature does not expire')
  if (expiry.getTime() - from.getTime() > expirySeconds * 1000) throw new Error('the signature expires too late')
}

/**
 * An envelope that a plugin of capability SIGNATURE_GENERATOR.ENVELOPE made, opened: over our payload, by its own chain,
 * signed within an hour of `now`, to expire no later than asked for, with a timestamp that is for it, if there is one.
 * Throws PLUGIN_FAILED.
 */
export async function pluginEnvelope(plugin: Plugin, terms: PluginEnvelopeTerms): Promise<PluginEnvelope> {
  const { keyId, mediaType, payload, expirySeconds } = terms
  if (!plugin.capabilities.has('SIGNATURE_GENERATOR.ENVELOPE')) throw pluginFault(plugin.name, 'it makes no envelopes')
  const answer = await plugin.ask('generate-envelope', {
    keyId,
    payloadType: PAYLOAD_TYPE,
    signatureEnvelopeType: mediaType,
    payload: Buffer.from(payload).toString('base64'),
    ...(expirySeconds === undefined ? {} : { expiryDurationInSeconds: expirySeconds }),
  })
  answer.echo('signatureEnvelopeType', mediaType)
  const bytes = answer.bytes('signatureEnvelope')
  const envelope = blaming(answer, () => {
    const opened = openEnvelope(mediaType, bytes)
    checkPayload(payload, opened.payload)
    checkTimes(opened, terms)
    if (opened.timestamp !== undefined) openTimestamp(opened.timestamp, opened.signature)
    return opened
  })
  return { bytes, envelope, annotations: manifestAnnotations(answer) }
}

function manifestAnnotations(answer: PluginAnswer): Record<string, string> {
  const value = answer.get('annotations') ?? {}
  if (!isJsonObject(value)) throw answer.fault('annotations are none')
  const annotations: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw answer.fault('an annotation is no text')
    // Stops the thumbprints by which signatures are found from being another signature's.
    if (name.startsWith(RESERVED)) throw answer.fault(`an annotation under ${RESERVED}`)
    annotations[name] = text
  }
  return annotations
}
