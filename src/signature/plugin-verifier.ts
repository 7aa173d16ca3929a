/** Verifying by the plugin that a signature names: it judges identity or revocation, and attributes only it knows. */
import { isJsonObject, timeText, type Json, type JsonObject } from '../codec/index.ts'
import { isFault, SallyportError } from '../errors/index.ts'
import type { Envelope } from './envelope.ts'
import { PAYLOAD_TYPE } from './payload.ts'
import { plainText, pluginFault, type PluginAnswer } from './plugin-answer.ts'
import { openPlugin, type Plugin, type PluginTerms } from './plugin.ts'
import { compareVersions } from './semantic-version.ts'

const VERIFIERS = ['SIGNATURE_VERIFIER.TRUSTED_IDENTITY', 'SIGNATURE_VERIFIER.REVOCATION_CHECK'] as const

export type VerifierCapability = (typeof VERIFIERS)[number]

export interface VerifierQuery {
  envelope: Envelope
  /** As the trust policy writes them. */
  trustedIdentities: readonly string[]
  /** What it is to check, at least one. */
  capabilities: readonly VerifierCapability[]
}

export interface VerifierVerdict {
  /** Exactly the capabilities that were asked for. */
  results: Partial<Record<VerifierCapability, { success: boolean; reason?: string }>>
  /** Critical attributes of the envelope that the plugin has judged. Duty of the caller: fail a signature with others. */
  processedAttributes: string[]
}

export interface PluginVerifier {
  /** What it can check, at least one. */
  capabilities: readonly VerifierCapability[]
  /** Throws PLUGIN_FAILED, ATTRIBUTE_UNKNOWN for an attribute that the protocol can't carry, or the signal's reason. */
  verify(query: VerifierQuery): Promise<VerifierVerdict>
}

/** The protocol has room for primitive values only. */
function primitive(name: string, value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const detail = `${plainText(name)} has a value that no plugin can be handed`
  throw new SallyportError('ATTRIBUTE_UNKNOWN', { side: 'bundle', subject: 'signature envelope', detail })
}

function requestOf({ envelope, trustedIdentities, capabilities }: VerifierQuery): JsonObject {
  const { scheme, expiry, authenticSigningTime, plugin, critical, chain } = envelope
  const extendedAttributes = Object.fromEntries([...critical].map(([name, value]) => [name, primitive(name, value)]))
  return {
    signature: {
      criticalAttributes: {
        contentType: PAYLOAD_TYPE,
        signingScheme: scheme,
        ...(expiry === undefined ? {} : { expiry: timeText(expiry) }),
        ...(authenticSigningTime === undefined ? {} : { authenticSigningTime: timeText(authenticSigningTime) }),
        ...(plugin === undefined ? {} : { verificationPlugin: plugin.name }),
        ...(plugin?.minVersion === undefined ? {} : { verificationPluginMinVersion: plugin.minVersion }),
        extendedAttributes,
      },
      unprocessedAttributes: [...critical.keys()],
      certificateChain: chain.map(({ der }) => der.toString('base64')),
    },
    trustPolicy: { trustedIdentities: [...trustedIdentities], signatureVerification: [...capabilities] },
  }
}

function readResult(answer: PluginAnswer, value: Json | undefined): { success: boolean; reason?: string } {
  const { success, reason } = isJsonObject(value) ? value : {}
  if (typeof success !== 'boolean') throw answer.fault('a result without success')
  if (reason !== undefined && typeof reason !== 'string') throw answer.fault('a reason that is no text')
  if (!success && (reason === undefined || reason === '')) throw answer.fault('a failure without a reason')
  return { success, ...(reason === undefined ? {} : { reason: plainText(reason) }) }
}

function readVerdict(answer: PluginAnswer, query: VerifierQuery): VerifierVerdict {
  const given = answer.get('verificationResults')
  const results: VerifierVerdict['results'] = {}
  for (const capability of query.capabilities)
    results[capability] = readResult(answer, isJsonObject(given) ? given[capability] : undefined)
  if (Object.keys(given as JsonObject).length !== new Set(query.capabilities).size)
    throw answer.fault('verificationResults has what was not asked for')
  // Go writes an empty list as null.
  const processedAttributes = answer.get('processedAttributes') === null ? [] : answer.texts('processedAttributes')
  // Stops a plugin from vouching for what it was not shown.
  if (processedAttributes.some((name) => !query.envelope.critical.has(name)))
    throw answer.fault('processedAttributes has what was not asked for')
  return { results, processedAttributes }
}

function verifierOf(plugin: Plugin): PluginVerifier {
  const capabilities = VERIFIERS.filter((capability) => plugin.capabilities.has(capability))
  if (capabilities.length === 0) throw pluginFault(plugin.name, 'it verifies nothing')
  return {
    capabilities,
    verify: async (query) => readVerdict(await plugin.ask('verify-signature', requestOf(query)), query),
  }
}

/**
 * A finder of the plugins that signatures name: undefined for one that is not installed. It throws PLUGIN_FAILED for one
 * that is older than the signature wants, verifies nothing or fails, and the signal's reason.
 */
export function pluginFinder(
  terms: PluginTerms,
): (wanted: { name: string; minVersion?: string }) => Promise<PluginVerifier | undefined> {
  return async ({ name, minVersion }) => {
    const plugin = await openPlugin(name, terms).catch((error: unknown) => {
      if (isFault(error, 'PLUGIN_MISSING')) return undefined
      throw error
    })
    if (plugin === undefined) return undefined
    if (minVersion !== undefined) {
      const order = compareVersions(plugin.version, minVersion)
      if (order === undefined) throw pluginFault(name, 'its version is not a semantic one')
      if (order < 0)
        throw pluginFault(name, `version ${plugin.version}, and the signature wants ${plainText(minVersion)}`)
    }
    return verifierOf(plugin)
  }
}
