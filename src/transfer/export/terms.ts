/** What an export is asked for, and what of it decides the bundle: channel, keys, audience, and the inputs of a repeat. */
import { hash } from 'node:crypto'
import { isSiteName, SITE_NAME_RULE, sortedJson } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { RegistryOptions } from '../../registry/index.ts'
import type { Denial } from '../../revocation/index.ts'
import { fingerprint, type ChannelKey } from '../../tuf/index.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { exportKeys, openChannelFolder, type AskPassphrase, type ChannelFolder } from '../channel/folder.ts'
import type { ClockOptions } from '../run/clock.ts'
import type { CargoPassenger } from './passenger-cargo.ts'
import type { Plan } from '../place/plan-file.ts'
import { placeInPlan } from '../place/plan-place.ts'
import { nowOf, timeText } from '../run/run.ts'
import type { ByteOutput } from './stream-out.ts'

export interface ExportOptions extends ClockOptions {
  plan: Plan
  /** The plan as errors name it. */
  planName?: string | undefined
  /** The channel's folder. */
  keys: string
  /** Whose key signs; the first person's there by default. */
  holder?: string | undefined
  passphrase: AskPassphrase
  /** A file, or an open stream that is written in order. */
  output: string | ByteOutput
  /** Writes all up to the payload and no more, to be approved; `output` is a file then. */
  headOnly?: boolean | undefined
  /** The approved head of this very bundle, for an `output` that is a stream. */
  approved?: string | undefined
  registry: Omit<RegistryOptions, 'side'>
  /** Requests under way at once. */
  concurrency: number
  /** Days until the bundle expires. */
  validDays: number
  /** The time in the bundle; `now` by default. Equal input and an equal time give equal bytes. */
  created?: Date | undefined
  sequence?: number | undefined
  /** Bundle files of other channels that ride along, beside those of the plan. */
  passengers?: readonly string[] | undefined
  /** The policy folder that every artifact must satisfy. */
  policy?: string | undefined
  /** Where plugins are that signatures may name. */
  plugins?: PluginPlace | undefined
  /** Where the content goes, `host[:port][/prefix]`, since policies name repositories by their destination. */
  destination?: string | undefined
  /** Packs lists, OCSP answers and these denials alone, for a channel whose purpose is revocation. */
  revocationOnly?: { denials: readonly Denial[] } | undefined
  /** Says what would be exported and writes nothing. */
  dryRun?: boolean | undefined
}

/** All that is settled before anything is asked of a source. */
export interface ExportTerms {
  folder: ChannelFolder
  audience: string[]
  signers: ChannelKey[]
  holder: string
  passengers: CargoPassenger[]
}

// Loaded only when there are some: an export without them starts faster.
async function cargoOf(
  { channel, purpose }: ChannelFolder,
  audience: readonly string[],
  options: ExportOptions,
): Promise<CargoPassenger[]> {
  const { plan, revocationOnly } = options
  // One plan may serve for both, and what rides along is made by the other.
  const files = [...(revocationOnly === undefined ? (plan.passengers ?? []) : []), ...(options.passengers ?? [])]
  if (files.length === 0) return []
  if (purpose !== 'content')
    throw new SallyportError('PURPOSE_MISMATCH', {
      side: 'source',
      subject: files[0],
      detail: `passengers ride with content, ${channel} is for ${purpose}`,
    })
  const { readCargo } = await import('./passenger-cargo.ts')
  return readCargo(files, { audience, channel, now: nowOf(options), signal: options.signal })
}

/** Throws PURPOSE_MISMATCH: every site would refuse what the people of this channel were not trusted with. */
function demandPurpose({ channel, purpose }: ChannelFolder, { keys, plan, revocationOnly }: ExportOptions): void {
  const refuse = (detail: string, remedy: string): SallyportError =>
    new SallyportError('PURPOSE_MISMATCH', { side: 'source', subject: keys, detail, remedy })
  if (revocationOnly !== undefined) {
    if (purpose === 'revocation') return
    throw refuse(`${channel} is for ${purpose}`, 'name the keys of a channel that was made for revocation')
  }
  if (purpose === 'revocation')
    throw refuse(`${channel} is for revocation alone`, 'name the keys of a content channel, or run revocation collect')
  if (purpose === 'trust')
    return demandTrustAlone(plan, (detail) => refuse(`${channel} is for trust alone, ${detail}`, TRUST_ALONE))
  if (plan.artifacts.length > 0) return
  throw new SallyportError('USAGE', { side: 'source', subject: 'artifacts', detail: 'there is nothing to export' })
}

const TRUST_ALONE = 'name the keys of a content channel, or in the plan nothing but what trust has'

function demandTrustAlone(plan: Plan, refuse: (detail: string) => SallyportError): void {
  if (plan.artifacts.length > 0) throw refuse('and the plan names artifacts')
  if (plan.revocation !== undefined) throw refuse('and the plan names revocation')
  if (plan.trust?.policy !== undefined || plan.trust?.delegations !== undefined) return
  const detail = 'the plan names no policy and no delegations to carry'
  throw new SallyportError('USAGE', { side: 'source', subject: 'trust', detail })
}

/** Opens channel, keys and passengers. Throws CHANNEL_MISMATCH, PURPOSE_MISMATCH, USAGE without an audience or for what is no site, the codes of the keys, and as `readCargo`. */
export async function readTerms(options: ExportOptions): Promise<ExportTerms> {
  const { plan, planName = 'command line' } = options
  const folder = openChannelFolder(options.keys)
  if (plan.channel !== undefined && plan.channel !== folder.channel) {
    throw new SallyportError('CHANNEL_MISMATCH', {
      side: 'source',
      subject: placeInPlan(plan, ['channel']) ?? planName,
      detail: `it names channel ${plan.channel}, the keys are of ${folder.channel}`,
      remedy: `name ${folder.channel} as channel in the plan, or none; or name the keys of ${plan.channel}`,
    })
  }
  demandPurpose(folder, options)
  if (plan.audience === undefined) {
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: planName,
      detail: 'for which site? Name it with --for-site, or audience in the plan',
    })
  }
  // What names no site would be refused by our own reader of the bundle, as damage, behind all the work.
  const odd = plan.audience.find((site) => !isSiteName(site))
  if (odd !== undefined)
    throw new SallyportError('USAGE', { side: 'source', subject: odd.slice(0, 100), detail: SITE_NAME_RULE })
  const { signers, holder } = await exportKeys(folder, options.holder, options.passphrase)
  const audience = [...new Set(plan.audience)].sort()
  return { folder, audience, signers, holder, passengers: await cargoOf(folder, audience, options) }
}

/** One digest over all that makes a bundle another one; a stopped run is gone on with only when it is equal. */
export function inputsOf({ folder, audience, holder, passengers }: ExportTerms, options: ExportOptions): string {
  const { plan, validDays, created, sequence, headOnly } = options
  const asked = {
    plan,
    audience,
    holder,
    validDays,
    root: fingerprint(folder.root.bytes),
    created: created === undefined ? null : timeText(created),
    sequence: sequence ?? null,
    ...(headOnly === true ? { headOnly } : {}),
    ...(passengers.length === 0 ? {} : { passengers: passengers.map(({ sha256 }) => sha256) }),
  }
  return hash('sha256', sortedJson(JSON.parse(JSON.stringify(asked))), 'hex')
}
