/** Critical attributes beyond the specification's own, and the plugin that a signature may ask for (plugin-extensibility.md). */
import { SallyportError } from '../errors/index.ts'
import type { Envelope, PluginVerifier, VerifierCapability } from '../signature/index.ts'
import { failed, undecided, type CheckFinding } from './check-outcome.ts'
import type { Check } from './level.ts'
import type { FindPlugin } from './judge-means.ts'
import type { Statement } from './statement.ts'

const IDENTITY: VerifierCapability = 'SIGNATURE_VERIFIER.TRUSTED_IDENTITY'
const REVOCATION: VerifierCapability = 'SIGNATURE_VERIFIER.REVOCATION_CHECK'

export interface PluginState {
  /** Present when the one the signature names is there. */
  plugin?: PluginVerifier
  /** The one that the signature names is not installed. */
  absent?: true
  /** Why a critical attribute, or the plugin, is unknown here. */
  doubt: CheckFinding
  /** The plugin does these in our place. */
  identity: boolean
  revocation: boolean
}

/** Of a signature that no plugin is looked for. */
export const NO_PLUGIN: PluginState = { doubt: undefined, identity: false, revocation: false }

/** Text that a signature or a plugin brought, fit for a line. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}

/** Why a plugin failed; an interruption, or a fault of ours, is not a plugin's and goes on. */
function reason(error: unknown): string {
  if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
  return error.message
}

/** The plugin that a signature names, and whether all its critical attributes can be understood at all. */
export async function lookForPlugin(envelope: Envelope, find: FindPlugin | undefined): Promise<PluginState> {
  const unknown = (detail: string): PluginState => ({
    doubt: undecided('ATTRIBUTE_UNKNOWN', detail),
    identity: false,
    revocation: false,
  })
  const { plugin: wanted, critical } = envelope
  if (wanted === undefined) {
    const [name] = critical.keys()
    // Stops what the signer marked as decisive from being passed over (notation 1.3 passes over it; the spec says fail).
    if (name !== undefined) return unknown(`the critical attribute ${quoted(name)} is not known`)
    return NO_PLUGIN
  }
  const title = `the plugin ${quoted(wanted.name)}`
  let plugin: PluginVerifier | undefined
  try {
    plugin = await find?.(wanted)
  } catch (error) {
    return unknown(`${title}: ${reason(error)}`)
  }
  if (plugin === undefined) return { ...unknown(`${title}, which the signature demands, is not here`), absent: true }
  const identity = plugin.capabilities.includes(IDENTITY)
  const revocation = plugin.capabilities.includes(REVOCATION)
  if (!identity && !revocation) return unknown(`${title} verifies nothing`)
  return { plugin, doubt: undefined, identity, revocation }
}

/** What the plugin says, as findings of the checks it makes. A lie by omission is a doubt, never a pass. */
export async function askPlugin(
  { plugin, identity, revocation }: PluginState,
  envelope: Envelope,
  statement: Statement,
): Promise<[Check, CheckFinding][]> {
  if (plugin === undefined) return []
  const capabilities = [
    ...(identity ? [IDENTITY] : []),
    // What the policy skips the plugin is not asked for.
    ...(revocation && statement.actions.revocation !== 'skip' ? [REVOCATION] : []),
  ]
  const title = `the plugin ${quoted(envelope.plugin?.name ?? '')}`
  const doubt = (detail: string): [Check, CheckFinding][] => [['integrity', undecided('ATTRIBUTE_UNKNOWN', detail)]]
  if (capabilities.length === 0)
    return envelope.critical.size === 0 ? [] : doubt(`${title} was not asked, and critical attributes are left`)
  let answer: Awaited<ReturnType<PluginVerifier['verify']>>
  try {
    const trustedIdentities = statement.identities.map(({ text }) => text)
    answer = await plugin.verify({ envelope, trustedIdentities, capabilities })
  } catch (error) {
    return doubt(`${title}: ${reason(error)}`)
  }
  const left = [...envelope.critical.keys()].find((name) => !answer.processedAttributes.includes(name))
  if (left !== undefined) return doubt(`${title} did not process the critical attribute ${quoted(left)}`)
  return capabilities.map((capability): [Check, CheckFinding] => {
    const check = capability === IDENTITY ? 'authenticity' : 'revocation'
    const result = answer.results[capability]
    if (result === undefined) return [check, undecided('ATTRIBUTE_UNKNOWN', `${title} says nothing on ${capability}`)]
    if (result.success) return [check, undefined]
    const detail = `${title}: ${quoted(result.reason ?? 'no reason given')}`
    return [check, failed(capability === IDENTITY ? 'IDENTITY_UNTRUSTED' : 'PLUGIN_FAILED', detail)]
  })
}
