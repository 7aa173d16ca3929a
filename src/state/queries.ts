/** Questions to a state. What guards against replay is answered from the journal's fold, the bulk from the index. */
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { ChannelRecord, Counters, Purpose } from './channel-record.ts'
import type { IndexReader } from './index-db.ts'
import { bundleKey, heldKey, importKey, partsAfter, prefixOf } from './index-key.ts'
import type { Intent, Ledger } from './ledger.ts'

export interface PinnedChannel {
  channel: string
  purpose: Purpose
  /** Of the root that was pinned by hand. */
  fingerprint: string
  /** The newest root that was verified from there. */
  root: Buffer
  rootVersion: number
  counters: Counters
  /** The last bundle whose head was accepted. */
  last: { sequence: number; id: string } | undefined
}

export interface TagMove {
  /** The journal row. */
  n: number
  time: string
  old: Digest | null
  /** Null: it was taken away. */
  new: Digest | null
}

export interface KnownBundle {
  id: string
  n: number
  state: 'accepted' | 'started' | 'done'
}

export class Queries {
  readonly #ledger: () => Ledger
  readonly #index: IndexReader

  constructor(ledger: () => Ledger, index: IndexReader) {
    this.#ledger = ledger
    this.#index = index
  }

  protected get ledger(): Ledger {
    return this.#ledger()
  }

  /** The site's name; a bundle's audience must hold it. */
  get site(): string {
    const { site } = this.ledger
    if (site === undefined)
      throw new SallyportError('JOURNAL_BROKEN', {
        side: 'state',
        subject: 'journal.jsonl',
        detail: 'it has no init row',
      })
    return site
  }

  /** The newest signed time seen, `YYYY-MM-DDTHH:MM:SSZ`, or undefined. */
  get floor(): string | undefined {
    return this.ledger.floor
  }

  channel(name: string): PinnedChannel | undefined {
    const record = this.ledger.channels.get(name)
    return record?.pinned === true ? pinnedChannel(name, record) : undefined
  }

  /** The newest root of each chain that a channel has or had here, the last one first. */
  rootsOf(name: string): { fingerprint: string; root: Buffer }[] {
    const record = this.ledger.channels.get(name)
    const chains = record === undefined ? [] : [record.lineage, ...record.past]
    return chains.map(({ seen, root }) => ({ fingerprint: seen.at(-1) ?? '', root: Buffer.from(root, 'base64') }))
  }

  /** The pinned channels, by name. */
  channels(): PinnedChannel[] {
    return [...this.ledger.channels]
      .filter(([, record]) => record.pinned)
      .map(([name, record]) => pinnedChannel(name, record))
      .sort((a, b) => (a.channel < b.channel ? -1 : 1))
  }

  /** The paths of repositories that the channel's content may go to, at any target; undefined: anywhere. */
  confinedTo(channel: string): readonly string[] | undefined {
    return this.ledger.confinedTo(channel)
  }

  /** Keyids of those who approved the bundle, as journaled so far, if it is the channel's last one; of others none. */
  journaledSigners(channel: string, id: string): readonly string[] {
    return this.ledger.signersOf(channel, id)
  }

  /** Tag moves that were announced and not settled, oldest first: after a kill the registry must be asked. */
  openIntents(target?: string): Intent[] {
    return [...this.ledger.intents.values()].filter((intent) => target === undefined || intent.target === target)
  }

  /** True when the target gave this digest back once. It may have lost it since. */
  async heldIn(target: string, repository: string, digest: Digest): Promise<boolean> {
    return (await this.#index.get(heldKey(target, digest, repository))) !== undefined
  }

  /** The repositories of the target that gave this digest back, sorted. */
  async heldRepositories(target: string, digest: Digest): Promise<string[]> {
    const prefix = prefixOf('held', target, digest)
    const found: string[] = []
    for await (const [key] of this.#index.range(prefix)) found.push(...partsAfter(prefix, key))
    return found
  }

  /** The moves of a tag, oldest first. */
  async tagHistory(target: string, repository: string, tag: string): Promise<TagMove[]> {
    const moves: TagMove[] = []
    for await (const [, value] of this.#index.range(prefixOf('tag', target, repository, tag)))
      moves.push(value as unknown as TagMove)
    return moves
  }

  /** The tags of a repository that ever moved by our hand, sorted. */
  async tagNames(target: string, repository: string): Promise<string[]> {
    const prefix = prefixOf('tag', target, repository)
    const names = new Set<string>()
    for await (const [key] of this.#index.range(prefix)) names.add(partsAfter(prefix, key)[0] ?? '')
    return [...names]
  }

  /** What happened to the bundle of this number: its head was accepted, its import to some target began or ended. */
  async bundle(channel: string, sequence: number): Promise<KnownBundle | undefined> {
    return (await this.#index.get(bundleKey(channel, sequence))) as unknown as KnownBundle | undefined
  }

  /** True when content of this bundle began to go to the target once, whatever became of it. */
  async importBegun(target: string, id: string): Promise<boolean> {
    return (await this.#index.get(importKey(target, id))) !== undefined
  }

  /** True when the last import of this bundle to this target came to its end. */
  async importDone(target: string, id: string): Promise<boolean> {
    const value = (await this.#index.get(importKey(target, id))) as { phase: string } | undefined
    return value?.phase === 'done'
  }
}

function pinnedChannel(channel: string, { purpose, lineage }: ChannelRecord): PinnedChannel {
  const { fingerprint, root, rootVersion, counters, last } = lineage
  return {
    channel,
    purpose,
    fingerprint,
    root: Buffer.from(root, 'base64'),
    rootVersion,
    counters,
    last: last ?? undefined,
  }
}
