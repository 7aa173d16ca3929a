/** Reads a bundle in the order of its trust: metadata, promise, law, payload. Each stage waits for the caller's judgement. */
import { LAYOUT_INDEX_CAP } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import {
  DigestTable,
  digestOf,
  hexOf,
  REVOCATION_LIST_CAP,
  verified,
  type Algorithm,
  type Digest,
} from '../oci/index.ts'
import { LAW_CAP } from './assemble.ts'
import type { ByteInput } from './input.ts'
import { MemberReader, type PlacedMember } from './member-reader.ts'
import {
  aboardName,
  blobName,
  INDEX_MEMBER,
  LAYOUT_BYTES,
  LAYOUT_MEMBER,
  MAX_ROOTS,
  parseMetadataName,
  SUMS512_MEMBER,
  SUMS_MEMBER,
  TRANSFER_MEMBER,
} from './names.ts'
import { PASSENGERS_CAP } from './passenger.ts'
import { parseSums, parseSums512, SUMS_CAP, type Sums } from './sums.ts'
import { parseTransfer, TRANSFER_CAP, type Transfer } from './transfer.ts'

/** The bytes of a channel's metadata as they stand in the bundle; nothing of it is proven. */
export interface Head {
  channel: string
  roots: Map<number, Buffer>
  timestamp: Buffer
  snapshot: Buffer
  targets: Buffer
  /** Offset of the body of targets.json, where a further signature is written. */
  targetsAt: number
}

/** The cap on a member of group 3, in bytes. */
export function promiseCap(name: string): number {
  if (name === TRANSFER_MEMBER) return TRANSFER_CAP
  return name === INDEX_MEMBER ? LAYOUT_INDEX_CAP : SUMS_CAP
}

/** Length and digest that the channel's targets promise for a member of group 3. */
export interface TargetFile {
  length: number
  sha256: string
}

export interface PromiseFiles {
  transfer: Transfer
  /** The digests of group 4 in member order, as the sums begin; see {@link lawOrder}. */
  law: readonly Digest[]
  /** How many blobs the sums list. */
  listed: Readonly<Record<Algorithm, number>>
  /** Hex SHA-256 of each member of the passengers, by its name. */
  aboard: Sums['aboard']
  /** Hex SHA-256 of each member of group 3, proven. */
  digests: ReadonlyMap<string, string>
  /** The members' bytes; those of a long list of sums are not kept: the census proves what it says. */
  bytes: Map<string, Buffer>
}

export interface LawMember {
  digest: Digest
  bytes: Buffer
}

const CAPS: Record<string, number> = { timestamp: 16_384, snapshot: 16_384, targets: 5_000_000 }
const ROOT_CAP = 512_000
// A list of sums of no more bytes than these stays at hand.
const KEPT_SUMS = 4 * 1024 * 1024
/** What all roots of a bundle may take together; it is held before any signature is looked at. */
export const ROOTS_CAP = 8 * 1024 * 1024

/** The passenger that a member belongs to, and what the sums of the bundle say of its members. */
export interface Aboard {
  channel: string
  aboard: Sums['aboard']
}

export class BundleReader {
  readonly members: MemberReader
  private pushed: PlacedMember | undefined
  private atPayload = true
  /** Bytes of passengers that were held. */
  private aboard = 0

  constructor(input: ByteInput) {
    this.members = new MemberReader(input)
  }

  private async next(expected: string): Promise<PlacedMember> {
    const member = this.pushed ?? (await this.members.next())
    this.pushed = undefined
    if (member === undefined)
      throw new SallyportError('TAR_ORDER', { side: 'bundle', subject: expected, detail: 'the bundle ends before it' })
    return member
  }

  private async expect(name: string, cap: number, size?: number): Promise<PlacedMember> {
    const member = await this.next(name)
    if (member.name !== name)
      throw new SallyportError('TAR_ORDER', { side: 'bundle', subject: member.name, detail: `where ${name} belongs` })
    if (size !== undefined && member.size !== size) throw sizeFault(member, size)
    // Sizes in headers are unsigned: cap before a byte is held.
    if (member.size > cap)
      throw new SallyportError('LIMIT_EXCEEDED', { side: 'bundle', subject: name, detail: `over ${cap} bytes` })
    return member
  }

  /** Groups 1 and 2. Throws the codes of the screen, TAR_ORDER, LIMIT_EXCEEDED. */
  async head(): Promise<Head> {
    const layout = await this.expect(LAYOUT_MEMBER, LAYOUT_BYTES.length, LAYOUT_BYTES.length)
    if (!(await this.members.whole(layout)).equals(LAYOUT_BYTES))
      throw new SallyportError('LAYOUT_MALFORMED', { side: 'bundle', subject: LAYOUT_MEMBER })
    return this.metadata()
  }

  /**
   * The metadata of a passenger; the next to be read after the promise, in the order in which that names them.
   * Throws as {@link head}, and DIGEST_MISMATCH, CENSUS_MISMATCH for what SHA256SUMS says otherwise or not at all.
   */
  async passenger(channel: string, { aboard }: PromiseFiles): Promise<Head> {
    return this.metadata({ channel, aboard })
  }

  /** A member held whole; of a passenger, counted with all of theirs and proven by its line in the sums. */
  private async held(member: PlacedMember, aboard: Aboard | undefined): Promise<Buffer> {
    if (aboard === undefined) return this.members.whole(member)
    const sha256 = aboard.aboard.get(member.name)
    if (sha256 === undefined)
      throw new SallyportError('CENSUS_MISMATCH', { side: 'bundle', subject: member.name, detail: 'in no sums' })
    this.aboard += member.size
    if (this.aboard > PASSENGERS_CAP)
      throw new SallyportError('LIMIT_EXCEEDED', {
        side: 'bundle',
        subject: member.name,
        detail: 'passengers together',
      })
    const bytes = await this.members.whole(member)
    if (hexOf(digestOf(bytes)) !== sha256)
      throw new SallyportError('DIGEST_MISMATCH', { side: 'bundle', subject: member.name })
    return bytes
  }

  private async metadata(aboard?: Aboard): Promise<Head> {
    let held = 0
    const head: Partial<Head> & { roots: Map<number, Buffer> } = { roots: new Map() }
    if (aboard !== undefined) head.channel = aboard.channel
    for (const part of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
      for (;;) {
        const member = await this.next('channel metadata')
        const name = parseMetadataName(member.name)
        const wanted = part === 'root' ? `${head.roots.size + 1}.root` : part
        if (name === undefined || (head.channel !== undefined && name.channel !== head.channel))
          throw order(member, `metadata of one channel: ${wanted}`)
        head.channel = name.channel
        if (part === 'root' && head.roots.size > 0 && name.part === 'timestamp') {
          this.pushed = member
          break
        }
        if (name.part !== wanted) throw order(member, wanted)
        const cap = part === 'root' ? ROOT_CAP : (CAPS[part] ?? 0)
        held += part === 'root' ? member.size : 0
        if (member.size > cap || held > ROOTS_CAP || head.roots.size > MAX_ROOTS)
          throw new SallyportError('LIMIT_EXCEEDED', { side: 'bundle', subject: member.name })
        const bytes = await this.held(member, aboard)
        if (part === 'targets') head.targetsAt = member.bodyAt
        if (part !== 'root') {
          head[part] = bytes
          break
        }
        head.roots.set(head.roots.size + 1, bytes)
      }
    }
    return head as Head
  }

  /**
   * Group 3, each member with the length and digest that the judged targets promise.
   * Throws TAR_SIZE, DIGEST_MISMATCH, CENSUS_MISMATCH when the targets name other files, and the parsers' codes.
   * @param aboard - the passenger whose group 3 it is; of a passenger also TRANSFER_MALFORMED when it has some itself
   */
  async promise(targets: ReadonlyMap<string, TargetFile>, aboard?: Aboard): Promise<PromiseFiles> {
    const names = [TRANSFER_MEMBER, SUMS_MEMBER, ...(targets.has(SUMS512_MEMBER) ? [SUMS512_MEMBER] : []), INDEX_MEMBER]
    const stranger =
      [...targets.keys()].find((name) => !names.includes(name)) ?? names.find((name) => !targets.has(name))
    if (stranger !== undefined)
      throw new SallyportError('CENSUS_MISMATCH', { side: 'bundle', subject: stranger, detail: 'in the targets' })
    const bytes = new Map<string, Buffer>()
    let transfer: Transfer | undefined
    for (const name of names) {
      const target = targets.get(name)
      const at = aboard === undefined ? name : aboardName(aboard.channel, name)
      const member = await this.expect(at, promiseCap(name), target?.length)
      const whole = await this.held(member, aboard)
      if (hexOf(digestOf(whole)) !== target?.sha256)
        throw new SallyportError('DIGEST_MISMATCH', { side: 'bundle', subject: at })
      // A newer format is told before its other files are held against this version's rules.
      if (name === TRANSFER_MEMBER) transfer = parseTransfer(whole)
      bytes.set(name, whole)
    }
    const of = (name: string): Buffer => bytes.get(name) ?? Buffer.alloc(0)
    const blobs512 = targets.has(SUMS512_MEMBER) ? parseSums512(of(SUMS512_MEMBER)) : new DigestTable('sha512')
    const passengers = (transfer?.passengers ?? []).map(({ channel }) => channel)
    if (aboard !== undefined && passengers.length > 0)
      throw new SallyportError('TRANSFER_MALFORMED', {
        side: 'bundle',
        subject: aboardName(aboard.channel, TRANSFER_MEMBER),
        detail: 'a passenger with passengers',
      })
    const { aboard: theirs, blobs } = parseSums(of(SUMS_MEMBER), passengers)
    for (const name of [SUMS_MEMBER, SUMS512_MEMBER])
      if (aboard === undefined && of(name).length > KEPT_SUMS) bytes.delete(name)
    const { law } = (transfer as Transfer).counts
    return {
      transfer: transfer as Transfer,
      law: [...first(blobs, law.sha256), ...first(blobs512, law.sha512)],
      listed: { sha256: blobs.length, sha512: blobs512.length },
      aboard: theirs,
      digests: new Map([...targets].map(([name, { sha256 }]) => [name, sha256])),
      bytes,
    }
  }

  /** Group 4: what must be judged before payload flows, each proven against its own name. */
  async *law(files: PromiseFiles): AsyncGenerator<LawMember> {
    let held = 0
    for (const digest of lawOrder(files)) {
      // What a member is, only its manifest says, which the census reads; by then each has been held under the widest cap.
      const member = await this.expect(blobName(digest), REVOCATION_LIST_CAP)
      held += member.size
      if (held > LAW_CAP)
        throw new SallyportError('LIMIT_EXCEEDED', {
          side: 'bundle',
          subject: member.name,
          detail: 'manifests and envelopes together',
        })
      const bytes = await this.members.whole(member)
      yield { digest, bytes: verified(bytes, { mediaType: '', digest, size: member.size }, 'bundle', member.name) }
    }
  }

  /** The next payload member, which must be this blob with this size. Its bytes are the caller's to prove. */
  async payload(digest: Digest, size: number): Promise<PlacedMember> {
    if (this.atPayload) {
      this.atPayload = false
      this.pushed ??= await this.members.next()
      if (this.pushed === undefined) throw headAlone(blobName(digest))
    }
    return this.expect(blobName(digest), size, size)
  }

  /** Proves that the bundle ends here. Throws TAR_TRUNCATED, TAR_END, TAR_TRAILING. */
  async end(): Promise<void> {
    await this.members.finish()
  }
}

/** What ends where its payload belongs is no damage: people approve such a head before anything large is fetched. */
export function headAlone(subject: string): SallyportError {
  return new SallyportError('TAR_TRUNCATED', {
    side: 'bundle',
    subject,
    detail: 'it is a head: all of a bundle up to its payload',
    remedy: 'have the bundle streamed behind it: sallyport export PLAN --approved HEAD -o -',
  })
}

function order(member: PlacedMember, wanted: string): SallyportError {
  return new SallyportError('TAR_ORDER', { side: 'bundle', subject: member.name, detail: `where ${wanted} belongs` })
}

function sizeFault(member: PlacedMember, size: number): SallyportError {
  return new SallyportError('TAR_SIZE', {
    side: 'bundle',
    subject: member.name,
    detail: `${member.size} bytes, ${size} promised`,
  })
}

function* first(list: DigestTable, count: number): Generator<Digest> {
  for (let i = 0; i < Math.min(count, list.length); i++) yield list.at(i)
}

/** The digests of group 4 in member order. Throws CENSUS_MISMATCH when counts and sums disagree. */
export function lawOrder({ transfer, law: order, listed }: PromiseFiles): readonly Digest[] {
  const { law, payload } = transfer.counts
  if (law.sha256 + payload.sha256 !== listed.sha256 || law.sha512 + payload.sha512 !== listed.sha512) {
    throw new SallyportError('CENSUS_MISMATCH', {
      side: 'bundle',
      subject: TRANSFER_MEMBER,
      detail: 'counts differ from the sums',
    })
  }
  return order
}
