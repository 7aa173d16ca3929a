/** The strict screen over a tar: one member after the other, nothing that the profile does not know. */
import { SallyportError } from '../errors/index.ts'
import type { ByteInput } from './input.ts'
import { BLOCK, blocksAfter, decodeHeader, isZeroBlock, padded, type Member } from './tar-header.ts'

export interface PlacedMember extends Member {
  /** Offset of the first header block. */
  headerAt: number
  /** Offset of the first byte of the body. */
  bodyAt: number
}

export class MemberReader {
  private readonly input: ByteInput
  private chunk: Buffer = Buffer.alloc(0)
  private used = 0
  /** Offset of the next unread byte. */
  at: number

  /** @param at - the input's present offset */
  constructor(input: ByteInput, at = 0) {
    this.input = input
    this.at = at
  }

  private async more(): Promise<boolean> {
    if (this.used < this.chunk.length) return true
    const next = await this.input.next()
    this.chunk = next ?? Buffer.alloc(0)
    this.used = 0
    return next !== undefined && (next.length > 0 || (await this.more()))
  }

  /** Up to `limit` bytes of the present chunk; undefined at the end of input. */
  private async take(limit: number): Promise<Buffer | undefined> {
    if (!(await this.more())) return undefined
    const part = this.chunk.subarray(this.used, Math.min(this.chunk.length, this.used + limit))
    this.used += part.length
    this.at += part.length
    return part
  }

  private async exactly(length: number, what: string): Promise<Buffer> {
    const out = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length;) {
      const part = await this.take(length - filled)
      if (part === undefined) throw this.truncated(what)
      part.copy(out, filled)
      filled += part.length
    }
    return out
  }

  private truncated(what: string): SallyportError {
    return new SallyportError('TAR_TRUNCATED', { side: 'bundle', subject: `offset ${this.at}`, detail: what })
  }

  /**
   * The next member; undefined when the end mark stands there instead, and then nothing may follow it.
   * Throws the codes of {@link decodeHeader}, TAR_TRUNCATED, TAR_END, TAR_TRAILING.
   */
  async next(): Promise<PlacedMember | undefined> {
    const headerAt = this.at
    let header = await this.exactly(BLOCK, 'in a header')
    if (isZeroBlock(header)) {
      await this.end()
      return undefined
    }
    const rest = blocksAfter(header)
    if (rest > 0) header = Buffer.concat([header, await this.exactly(rest * BLOCK, 'in a header')])
    return { ...decodeHeader(header, headerAt), headerAt, bodyAt: this.at }
  }

  /** Proves that the bundle ends here. Throws TAR_TRUNCATED, TAR_END (also for a further member), TAR_TRAILING. */
  async finish(): Promise<void> {
    const at = this.at
    if (!isZeroBlock(await this.exactly(BLOCK, 'in the end mark')))
      throw new SallyportError('TAR_END', { side: 'bundle', subject: `offset ${at}` })
    await this.end()
  }

  // The end is exactly two zero blocks: a clean cut at a member's edge and a second archive behind the first both show.
  private async end(): Promise<void> {
    const at = this.at
    if (!isZeroBlock(await this.exactly(BLOCK, 'in the end mark'))) {
      throw new SallyportError('TAR_END', { side: 'bundle', subject: `offset ${at}` })
    }
    if ((await this.take(1)) !== undefined)
      throw new SallyportError('TAR_TRAILING', { side: 'bundle', subject: `offset ${at + BLOCK}` })
  }

  /** The member's bytes in pieces that are valid until the next piece is asked for; the padding is checked at the end. */
  async *body(member: PlacedMember): AsyncGenerator<Buffer> {
    for (let left = member.size; left > 0;) {
      const part = await this.take(left)
      if (part === undefined) throw this.truncated(`in ${member.name}`)
      left -= part.length
      yield part
    }
    await this.padding(member)
  }

  /** The member's bytes in one piece. Duty of the caller: the size is capped. */
  async whole(member: PlacedMember): Promise<Buffer> {
    const bytes = await this.exactly(member.size, `in ${member.name}`)
    await this.padding(member)
    return bytes
  }

  // Padding that is not zero could hide content from everyone who reads members only.
  private async padding(member: PlacedMember): Promise<void> {
    const at = this.at
    const rest = await this.exactly(padded(member.size) - member.size, `after ${member.name}`)
    if (rest.some((byte) => byte !== 0)) {
      throw new SallyportError('TAR_PADDING', {
        side: 'bundle',
        subject: `offset ${at}`,
        detail: `after ${member.name}`,
      })
    }
  }
}
