/**
 * The fold of the journal: one function, {@link Ledger.apply}, used when a row is written, when an index catches up,
 * when it is rebuilt and when it is checked. What guards against replay is kept in memory as well and is taken from
 * the journal on every start, never from LevelDB, which can lose an acknowledged write without a sign.
 */
import type { JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { advanced, pinned, rooted, unpinned, type ChannelRecord } from './channel-record.ts'
import { countOf, objectOf, oneOf, textOf, textOrNull, textsOf } from './fields.ts'
import type { Op } from './index-db.ts'
import { bundleKey, channelKey, heldKey, importKey, intentKey, tagKey } from './index-key.ts'
import { isSeconds, type JournalRow } from './journal-row.ts'
import { JudgedLedger } from './judged-ledger.ts'
import { LayeredMap } from './layered-map.ts'
import { demandMore, wholeRow } from './more-rows.ts'
import { RevocationLedger } from './revocation-ledger.ts'

/** A tag move that was announced and not yet settled. */
export type Intent = {
  target: string
  repository: string
  tag: string
  /** What the tag named before; null when there was none. */
  old: string | null
  /** Null: it is taken away. */
  new: string | null
  /** The row that announced it. */
  n: number
}

/** Seconds: more than any that can be written on a command line. What is due must be a time. */
const MAX_SPAN = 10_000_000_000

/** The last bundle of a channel. */
interface Heard {
  id: string
  /** When it was accepted. */
  time: string
  /** Its last `head` row, which may tell of it once more. */
  n: number
  /** Of all its `head` rows. */
  signers: readonly string[]
}

/** How often bundles of a channel are expected, and when that was said. */
export type Expected = { channel: string; every: number; since: string }

export class Ledger {
  readonly revocation: RevocationLedger
  readonly judged: JudgedLedger
  readonly #expected: LayeredMap<string, Expected>
  /** By channel. */
  readonly #heard: LayeredMap<string, Heard>
  /** The last `restore` row. */
  #restored = 0
  #site: string | undefined
  #floor: string | undefined
  #policySince: string | undefined
  readonly #channels: Map<string, ChannelRecord>
  readonly #intents: Map<string, Intent>
  /** Where the content of a channel may go; of a channel that is not here, anywhere. */
  readonly #confined: Map<string, readonly string[]>
  /** The `more` rows since the last row of another kind: the next one may be what they belong to. */
  #more: JournalRow[]

  /** Continues `from`, which stays as it is as long as nothing is settled. */
  constructor(from?: Ledger) {
    this.revocation = new RevocationLedger(from?.revocation)
    this.judged = new JudgedLedger(from?.judged)
    this.#expected = new LayeredMap(from === undefined ? undefined : from.#expected)
    this.#heard = new LayeredMap(from === undefined ? undefined : from.#heard)
    this.#restored = from === undefined ? 0 : from.#restored
    this.#site = from?.site
    this.#floor = from?.floor
    this.#policySince = from?.policySince
    this.#channels = new Map(from?.channels)
    this.#intents = new Map(from?.intents)
    this.#confined = new Map(from === undefined ? undefined : from.#confined)
    this.#more = from === undefined ? [] : [...from.#more]
  }

  get site(): string | undefined {
    return this.#site
  }

  /** The newest signed time seen, `YYYY-MM-DDTHH:MM:SSZ`. */
  get floor(): string | undefined {
    return this.#floor
  }

  /** When artifacts were judged by a trust policy first; undefined where the channel alone was judged so far. */
  get policySince(): string | undefined {
    return this.#policySince
  }

  get channels(): ReadonlyMap<string, ChannelRecord> {
    return this.#channels
  }

  get intents(): ReadonlyMap<string, Intent> {
    return this.#intents
  }

  /** The channels that are expected, by name. */
  expected(): Expected[] {
    return [...this.#expected.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1))
  }

  /** The paths that the channel's content may go to, at any target; undefined: anywhere. */
  confinedTo(channel: string): readonly string[] | undefined {
    return this.#confined.get(channel)
  }

  /** When the last bundle of the channel was accepted. */
  heard(channel: string): string | undefined {
    return this.#heard.get(channel)?.time
  }

  /** Keyids of those who approved a bundle, as far as it is journaled, if it is the channel's last one; of others none. */
  signersOf(channel: string, id: string): readonly string[] {
    const heard = this.#heard.get(channel)
    return heard?.id === id ? heard.signers : []
  }

  /** False while what the channel brought after the backup that the state came back from may be missing. */
  isHeardSinceRestore(channel: string): boolean {
    return this.#restored === 0 || (this.#heard.get(channel)?.n ?? 0) > this.#restored
  }

  /**
   * To be called when all that was applied is durable, and before questions on artifacts are asked. Every other ledger
   * that continues the same one is void from then on.
   */
  settle(): void {
    for (const part of [this.revocation, this.judged, this.#expected, this.#heard]) part.settle()
  }

  /**
   * What the row changes in the index.
   * Throws the code of the rule it breaks, TypeError for a row of the wrong shape, STATE_NEWER for a kind that is not
   * known; the ledger is then as it was before.
   */
  apply(row: JournalRow): Op[] {
    const ops = this.#applied(wholeRow(row, this.#more))
    if (row.kind === 'more') this.#more.push(row)
    else this.#more = []
    if (row['floor'] !== undefined) {
      const floor = textOf(row, 'floor')
      if (this.#floor === undefined || floor > this.#floor) this.#floor = floor
    }
    return ops
  }

  #applied(row: JournalRow): Op[] {
    if (row['floor'] !== undefined && !isSeconds(row['floor'])) throw new TypeError('floor is not a time')
    switch (row.kind) {
      case 'init':
        return this.#init(row)
      case 'pin':
        return this.#channel(row, pinned)
      case 'unpin':
        return this.#channel(row, unpinned)
      case 'roots':
        return this.#channel(row, rooted)
      case 'head':
        return this.#head(row)
      case 'import':
        return this.#imported(row)
      case 'held':
        return heldOps(row)
      case 'verdict':
        this.judged.judge(row)
        if (typeof row['policy'] === 'string') this.#policySince ??= row.time
        return []
      case 'certificates':
        this.judged.know(row)
        return []
      case 'quarantine':
        this.judged.quarantine(row)
        return []
      case 'forget':
        this.judged.forget(row)
        return []
      case 'release':
        this.judged.release(row)
        return []
      case 'list':
        this.revocation.take(row)
        return []
      case 'denials':
        this.revocation.deny(row)
        return []
      case 'rejudged':
        this.revocation.look(row)
        return []
      case 'expect':
        return this.#expect(row)
      case 'confine':
        return this.#confine(row)
      case 'tag-intent':
        return this.#intend(row)
      case 'tag-done':
        return this.#settle(row)
      case 'restore':
        this.#restored = row.n
        return []
      case 'more':
        demandMore(row)
        return []
      case 'journal':
      case 'torn':
      case 'note':
        return []
      default:
        throw new SallyportError('STATE_NEWER', { side: 'state', subject: `row ${row.n} of kind ${row.kind}` })
    }
  }

  #imported(row: JournalRow): Op[] {
    const ops = importOps(row)
    this.judged.use(row)
    return ops
  }

  #init(row: JournalRow): Op[] {
    if (this.#site !== undefined) throw new TypeError('a state has one init row')
    this.#site = textOf(row, 'site')
    return []
  }

  #channel(row: JournalRow, step: (before: ChannelRecord | undefined, row: JsonObject) => ChannelRecord): Op[] {
    const name = textOf(row, 'channel')
    const record = step(this.#channels.get(name), row)
    this.#channels.set(name, record)
    return [{ key: channelKey(name), value: record }]
  }

  #head(row: JournalRow): Op[] {
    const channel = textOf(row, 'channel')
    const before = this.#channels.get(channel)?.lineage.last
    const repeats = before?.id === row['id']
    const again = row['repeat'] === true
    if (again && !repeats) throw new TypeError('a repeat of another bundle than the last one')
    const ops = this.#channel(row, advanced)
    const id = textOf(row, 'id')
    const signers = row['signers'] === undefined ? [] : textsOf(row, 'signers')
    this.#heard.set(channel, {
      id,
      // Stops a bundle that is brought again from keeping a channel from being overdue.
      time: (repeats ? this.#heard.get(channel)?.time : undefined) ?? row.time,
      n: row.n,
      signers: [...new Set([...this.signersOf(channel, id), ...signers])],
    })
    // How far a bundle came isn't undone by another copy of it.
    return again ? ops : [...ops, bundleOp(row, 'accepted')]
  }

  #expect(row: JournalRow): Op[] {
    const channel = textOf(row, 'channel')
    if (this.#channels.get(channel)?.pinned !== true)
      throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'state', subject: `channel ${channel}` })
    const every = row['every'] === null ? null : countOf(row, 'every')
    if (every !== null && every > MAX_SPAN) throw new TypeError('member every is no span')
    if (every === null) this.#expected.delete(channel)
    else this.#expected.set(channel, { channel, every, since: row.time })
    return []
  }

  #confine(row: JournalRow): Op[] {
    const channel = textOf(row, 'channel')
    if (this.#channels.get(channel)?.pinned !== true)
      throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'state', subject: `channel ${channel}` })
    const into = row['into'] === null ? null : textsOf(row, 'into')
    if (into?.length === 0) throw new TypeError('member into names nothing')
    if (into === null) this.#confined.delete(channel)
    else this.#confined.set(channel, into)
    return []
  }

  #intend(row: JournalRow): Op[] {
    const intent = { ...tagOf(row), old: textOrNull(row, 'old'), new: textOrNull(row, 'new'), n: row.n }
    const key = intentKey(intent.target, intent.repository, intent.tag)
    if (this.#intents.has(key)) throw new TypeError(`the tag ${intent.tag} has an open intent; settle it first`)
    this.#intents.set(key, intent)
    return [{ key, value: intent }]
  }

  #settle(row: JournalRow): Op[] {
    const { target, repository, tag } = tagOf(row)
    const key = intentKey(target, repository, tag)
    const old = textOrNull(row, 'old')
    const outcome = oneOf(row, 'outcome', ['moved', 'kept', 'settled-old'])
    const intent = this.#intents.get(key)
    if (intent === undefined || intent.new !== row['new'] || intent.old !== old)
      throw new TypeError(`the tag ${tag} has no such open intent`)
    this.#intents.delete(key)
    if (outcome !== 'moved') return [{ key }]
    const value = { n: row.n, time: row.time, old, new: intent.new }
    return [{ key }, { key: tagKey(target, repository, tag, row.n), value }]
  }
}

function tagOf(row: JsonObject): { target: string; repository: string; tag: string } {
  return { target: textOf(row, 'target'), repository: textOf(row, 'repository'), tag: textOf(row, 'tag') }
}

function bundleOp(row: JournalRow, state: 'accepted' | 'started' | 'done'): Op {
  const key = bundleKey(textOf(row, 'channel'), countOf(row, 'sequence'))
  return { key, value: { id: textOf(row, 'id'), n: row.n, state } }
}

function importOps(row: JournalRow): Op[] {
  const phase = oneOf(row, 'phase', ['start', 'done'])
  const counts = row['counts'] === undefined ? {} : { counts: objectOf(row, 'counts') }
  const value = { channel: textOf(row, 'channel'), sequence: countOf(row, 'sequence'), phase, n: row.n, ...counts }
  const key = importKey(textOf(row, 'target'), textOf(row, 'id'))
  return [{ key, value }, bundleOp(row, phase === 'done' ? 'done' : 'started')]
}

/** What a `held` row adds to the index. */
export function heldOps(row: JournalRow): Op[] {
  const target = textOf(row, 'target')
  const repository = textOf(row, 'repository')
  return textsOf(row, 'digests').map((digest) => ({ key: heldKey(target, digest, repository), value: { n: row.n } }))
}
