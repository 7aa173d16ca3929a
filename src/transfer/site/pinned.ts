/** What a site has pinned, in the shape the near door asks for. */
import { SallyportError } from '../../errors/index.ts'
import type { State } from '../../state/index.ts'
import { fingerprint, readRoot, type HeadInput } from '../../tuf/index.ts'
import { readSmall } from '../run/small-file.ts'

/** What the site pinned of the channel, and what it has accepted from it. */
export type Pinned = Omit<HeadInput, 'bundle' | 'now'>

/** Finds what is pinned under a channel's name. Throws CHANNEL_NOT_PINNED. */
export type FindPinned = (channel: string) => Pinned

/** Looks channels up in the state. */
export function pinnedIn(state: State): FindPinned {
  return (name) => {
    const found = state.channel(name)
    if (found === undefined) throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'bundle', subject: name })
    const { purpose, root, rootVersion, counters, last } = found
    return {
      channel: name,
      purpose,
      trusted: { rootBytes: root, version: rootVersion, counters, ...(last === undefined ? {} : { lastId: last.id }) },
    }
  }
}

export interface GivenRoot {
  file: string
  /** `sha256:…` as a person was told it. */
  fingerprint: string
}

/** A root file whose fingerprint is the one a person said. Throws FINGERPRINT_MISSING, FINGERPRINT_MISMATCH. */
export function readGivenRoot({ file, fingerprint: said }: GivenRoot): {
  bytes: Buffer
  channel: string
  purpose: 'content' | 'trust' | 'revocation'
  version: number
  expires: string
} {
  // No trust on first use: the file itself never says what it should be.
  if (!/^sha256:[0-9a-f]{64}$/.test(said))
    throw new SallyportError('FINGERPRINT_MISSING', {
      side: 'bundle',
      subject: file,
      detail: 'it has the form sha256: and 64 hex digits',
    })
  const bytes = readSmall(file)
  const real = fingerprint(bytes)
  if (real !== said)
    throw new SallyportError('FINGERPRINT_MISMATCH', { side: 'bundle', subject: file, detail: `it has ${real}` })
  const { channel, purpose, version, expires } = readRoot(bytes, { side: 'bundle', subject: file })
  return { bytes, channel, purpose, version, expires }
}

/** Judges by one root that was given by hand, with no memory of what came before. */
export function pinnedByHand(given: GivenRoot): FindPinned {
  const { bytes, channel, purpose, version } = readGivenRoot(given)
  return (name) => {
    if (name !== channel) throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'bundle', subject: name })
    return {
      channel,
      purpose,
      trusted: { rootBytes: bytes, version, counters: { timestamp: 0, snapshot: 0, targets: 0 } },
    }
  }
}
