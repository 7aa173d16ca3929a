/** What a site checks of a head, whether the bundle is its own or rides in another: pinned roots, agreement, audience, time. */
import type { Head, PromiseFiles } from '../../bundle/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { VerifiedRoots } from '../../state/index.ts'
import { judgeRoots, type Purpose } from '../../tuf/index.ts'
import type { RunOptions } from '../run/run.ts'
import type { FindPinned, Pinned } from '../site/pinned.ts'

export interface PassageOptions extends RunOptions {
  /** Not below the floor of the state. */
  now: Date
  findPinned: FindPinned
  /** Keeps roots that verify, whatever becomes of the head they came with. */
  keepRoots?: ((roots: VerifiedRoots) => Promise<void>) | undefined
  /** The site's name, which the audience must hold; undefined where no site is asked for. */
  site: string | undefined
}

/** What the signed parts say, for {@link checkAgreement}. */
export interface SaidOfHead {
  channel: string
  purpose: Purpose
  sequence: number
  expires: string
}

/** The signed parts and transfer.json must say one thing (FORMAT "Agreement"): stops a head over another promise. */
export function checkAgreement({ transfer }: Pick<PromiseFiles, 'transfer'>, said: SaidOfHead): void {
  const differ = (
    what: string,
    code: 'METADATA_MIXED' | 'CHANNEL_MISMATCH' | 'PURPOSE_MISMATCH' = 'METADATA_MIXED',
  ): SallyportError =>
    new SallyportError(code, {
      side: 'bundle',
      subject: 'transfer.json',
      detail: `${what} differs from the signed metadata`,
    })
  if (transfer.channel !== said.channel) throw differ('channel', 'CHANNEL_MISMATCH')
  if (transfer.purpose !== said.purpose) throw differ('purpose', 'PURPOSE_MISMATCH')
  if (transfer.sequence !== said.sequence) throw differ('sequence')
  if (transfer.validUntil !== said.expires) throw differ('validUntil')
}

/** Throws AUDIENCE_MISMATCH unless the bundle is for this site. */
export function checkAudience({ transfer }: Pick<PromiseFiles, 'transfer'>, site: string | undefined): void {
  if (site === undefined || transfer.audience.includes(site)) return
  throw new SallyportError('AUDIENCE_MISMATCH', {
    side: 'bundle',
    subject: site,
    detail: `it is for ${transfer.audience.join(', ').slice(0, 200)}`,
  })
}

/**
 * A head that is dated after the clock means that one of two clocks is wrong; to accept it would lift the floor of
 * time above the real one, and nothing could be imported until then. A day is left for time zones set wrong.
 */
export function checkCreated({ files }: { files: Pick<PromiseFiles, 'transfer'> }, now: Date): void {
  const { created } = files.transfer
  if (Date.parse(created) <= now.getTime() + 86_400_000) return
  throw new SallyportError('CLOCK_BEHIND', {
    side: 'state',
    subject: created,
    detail: 'the bundle was made in the future of this clock',
    remedy: 'set the clock; if it is right, that of the sender was ahead: ask for a new bundle',
  })
}

/** What is pinned, with the roots that the bundle adds to it kept first where there is a state to keep them in. */
export async function pinnedWithRoots({ channel, roots }: Head, options: PassageOptions): Promise<Pinned> {
  const pinned = options.findPinned(channel)
  if (options.keepRoots === undefined) return pinned
  const { root, added, reset } = judgeRoots({ ...pinned, roots })
  if (added.length === 0) return pinned
  await options.keepRoots({ channel, roots: added.map(({ bytes }) => bytes), rootVersion: root.version, reset })
  return options.findPinned(channel)
}
