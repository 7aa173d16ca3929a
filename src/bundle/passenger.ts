/** A whole bundle of another channel that rides in a bundle (FORMAT "Passengers"): the members that are its own. */
import type { Digest } from '../oci/index.ts'
import type { Content } from './assemble.ts'
import { aboardName, metadataName } from './names.ts'

/** The signed metadata of a channel, each part padded to its slot. */
export interface HeadFiles {
  channel: string
  /** From version 1 on, without a gap. */
  roots: readonly Buffer[]
  timestamp: Buffer
  snapshot: Buffer
  targets: Buffer
}

export interface Passenger {
  sequence: number
  id: Digest
  head: HeadFiles
  /** Group 3 of its own bundle, in order. */
  files: ReadonlyMap<string, Buffer>
  content: Content
}

/** The cap on all members of passengers before the law together, in bytes. */
export const PASSENGERS_CAP = 128 * 1024 * 1024

/** The members of a channel's metadata, in order. */
export function headMembers({ channel, roots, ...parts }: HeadFiles): [string, Buffer][] {
  return [
    ...roots.map((root, i): [string, Buffer] => [metadataName(channel, `${i + 1}.root`), root]),
    ...(['timestamp', 'snapshot', 'targets'] as const).map((part): [string, Buffer] => [
      metadataName(channel, part),
      parts[part],
    ]),
  ]
}

/** The members that stand between groups 3 and 4 for a passenger, in order. */
export function passengerMembers({ head, files }: Pick<Passenger, 'head' | 'files'>): [string, Buffer][] {
  const { channel } = head
  return [
    ...headMembers(head),
    ...[...files].map(([name, bytes]): [string, Buffer] => [aboardName(channel, name), bytes]),
  ]
}
