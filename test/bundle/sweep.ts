/** One genuine bundle, the verdicts on damaged copies of it, and whether each is one that its region allows. */
import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Judge } from '../../bundles/vectors/expect.ts'
import { BundleReader, fileInput, memoryInput, type ByteInput } from '../../src/bundle/index.ts'
import { blobName } from '../../src/bundle/names.ts'
import { SallyportError, type Code } from '../../src/errors/index.ts'
import type { PassageOptions } from '../../src/transfer/passage/head-checks.ts'
import { readLaw, type Passage } from '../../src/transfer/passage/passage.ts'
import { revocationIn } from '../../src/transfer/passage/revocation-gate.ts'
import { provePayload } from '../../src/transfer/passage/payload.ts'
import { judging, prove } from './corpus.ts'
import { CODES_OF, regionsOf, type Region } from './regions.ts'

export interface Damage {
  bit: number
  region: Region
}

export class Sweep {
  readonly tar: Buffer
  readonly options: PassageOptions
  private passage: Passage | undefined
  regions: Region[] = []
  private readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-sweep-'))
  private readonly file = join(this.dir, 'damaged.tar')
  private readonly fd: number

  constructor(tar: Buffer, judge: Judge) {
    this.tar = tar
    this.options = judging(judge)
    writeFileSync(this.file, tar)
    this.fd = openSync(this.file, 'r+')
  }

  async open(): Promise<void> {
    this.passage = await prove(memoryInput([this.tar]), this.options)
    const { census } = this.passage
    this.regions = await regionsOf(
      this.tar,
      new Set(census.content.law.map(({ descriptor }) => blobName(descriptor.digest))),
    )
    assert.equal(
      this.regions.reduce((sum, { from, to }) => sum + to - from, 0),
      this.tar.length,
    )
  }

  close(): void {
    closeSync(this.fd)
    rmSync(this.dir, { recursive: true })
  }

  private async codeOf(proving: Promise<unknown>): Promise<Code | 'accepted'> {
    try {
      await proving
      return 'accepted'
    } catch (error) {
      if (error instanceof SallyportError) return error.code
      throw error
    }
  }

  private damaged({ bit }: Damage): number {
    return (this.tar[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  }

  /** The code that a pipe gives. */
  async stream(damage: Damage, door = prove): Promise<Code | 'accepted'> {
    const at = damage.bit >> 3
    const was = this.tar[at] ?? 0
    this.tar[at] = this.damaged(damage)
    try {
      return await this.codeOf(door(memoryInput([this.tar]), this.options))
    } finally {
      this.tar[at] = was
    }
  }

  /** The code that a file gives. */
  async disc(damage: Damage, door = prove): Promise<Code | 'accepted'> {
    const at = damage.bit >> 3
    writeSync(this.fd, Buffer.of(this.damaged(damage)), 0, 1, at)
    const input = fileInput(this.file)
    try {
      return await this.codeOf(door(input, this.options))
    } finally {
      await input.close()
      writeSync(this.fd, this.tar, at, 1, at)
    }
  }

  /** The codes of a bundle cut at this length: from a file, and from a pipe. */
  async cut(length: number): Promise<(Code | 'accepted')[]> {
    ftruncateSync(this.fd, length)
    const input = fileInput(this.file)
    try {
      const file = await this.codeOf(prove(input, this.options))
      return [file, await this.codeOf(prove(memoryInput([this.tar.subarray(0, length)]), this.options))]
    } finally {
      await input.close()
    }
  }

  restore(): void {
    writeSync(this.fd, this.tar, 0, this.tar.length, 0)
  }

  /**
   * The door for damage behind the head: as {@link prove}, but with the verdict that the untouched head got before. To
   * verify its signatures again for each of some ten thousand bits would say nothing new.
   */
  readonly behindHead = async (input: ByteInput, options: PassageOptions): Promise<Passage> => {
    const { head, verdict } = this.passage ?? assert.fail('not opened')
    const reader = new BundleReader(input)
    await reader.head()
    const files = await reader.promise(verdict.targets)
    const read = await readLaw(reader, files, options)
    const passage = {
      head,
      verdict,
      files,
      ...read,
      revocation: await revocationIn({ ...read, files }),
      passengers: [],
    }
    await provePayload(input, passage, options)
    return passage
  }

  headEnd(): number {
    return this.regions.find(({ member }) => member === 'transfer.json')?.from ?? assert.fail()
  }

  /** Asserts the code of one damage, by pipe or file. */
  async check(damage: Damage, way: 'stream' | 'disc', door = prove): Promise<void> {
    const { kind, member } = damage.region
    const code = await this[way](damage, door)
    const allowed: readonly string[] = CODES_OF[kind]
    assert.ok(allowed.includes(code), `${code} by ${way} for bit ${damage.bit} in the ${kind} of ${member}`)
  }
}
