/** Damage swept over whole bundles: each bit gives a code of its region, and nothing damaged is ever accepted. */
import assert from 'node:assert/strict'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { solo } from '../../bundles/vectors/channels.ts'
import { seeded } from '../../bundles/vectors/channels.ts'
import type { Judge } from '../../bundles/vectors/expect.ts'
import { AMD64, oneImage } from '../../bundles/vectors/goods.ts'
import { pack } from '../../bundles/vectors/pack.ts'
import { BundleReader, fileInput, memoryInput, type ByteInput } from '../../src/bundle/index.ts'
import { blobName } from '../../src/bundle/names.ts'
import { SallyportError, type Code } from '../../src/errors/index.ts'
import { readLaw, type Passage, type PassageOptions } from '../../src/transfer/passage.ts'
import { provePayload } from '../../src/transfer/payload.ts'
import { BUNDLES, judging, prove, readExpectations } from '../bundle/corpus.ts'
import { CODES_OF, regionsOf, type Region } from '../bundle/regions.ts'
import { seededBelow } from '../bundle/seed.ts'

const expectations = readExpectations()

/** A bundle of every kind of member, with some payload: 130 KiB. */
function sweptBundle(): Buffer {
  const goods = oneImage((shelf) => {
    const random = seeded('sweep')
    const layers = [40_000, 511, 20_000].map((size) =>
      shelf.blob('application/vnd.oci.image.layer.v1.tar', random(size)),
    )
    layers.push(shelf.blob('application/vnd.oci.image.layer.v1.tar', random(9_000), 'sha512'))
    const image = shelf.image('swept', AMD64, layers)
    shelf.tag('1.0', image)
    const envelope = shelf.blob('application/jose+json', '{"payload":"an envelope"}')
    const type = 'application/vnd.cncf.notary.signature'
    shelf.refer(image, shelf.manifest({ artifactType: type, layers: [envelope], subject: image }), type)
  })
  return pack(solo, 1, goods).tar
}

interface Damage {
  bit: number
  region: Region
}

/** One genuine bundle, and the verdicts on damaged copies of it. */
class Sweep {
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
      input.close()
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
      input.close()
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
    const passage = { head, verdict, files, ...(await readLaw(reader, files, options)) }
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

describe('transfer/hostile-sweep', function () {
  this.timeout(300_000)

  describe('a bundle of every kind of member', () => {
    let sweep: Sweep
    before(async () => {
      sweep = new Sweep(sweptBundle(), expectations.accept['accept/solo-ed25519.tar'] ?? assert.fail())
      assert.ok(sweep.tar.length <= 256 * 1024)
      await sweep.open()
    })
    after(() => sweep.close())

    const flips = (below: (bound: number) => number, take: (region: Region) => boolean): Damage[] =>
      sweep.regions
        .filter(take)
        .flatMap((region) =>
          Array.from({ length: region.to - region.from }, (_, i) => ({
            region,
            bit: 8 * (region.from + i) + below(8),
          })),
        )

    it('is refused with one bit flipped in any byte of the head', async () => {
      const all = flips(seededBelow('head'), ({ from }) => from < sweep.headEnd())
      for (const damage of all) await sweep.check(damage, 'stream')
      for (const damage of all.filter((_, i) => i % 8 === 0)) await sweep.check(damage, 'disc')
      console.log(`      ${all.length} bits`)
    })

    it('is refused with one bit flipped in any byte of promise, law, headers, padding and end mark', async () => {
      const behind = ({ from, kind }: Region): boolean => from >= sweep.headEnd() && kind !== 'payload'
      const all = flips(seededBelow('behind the head'), behind)
      for (const damage of all) {
        await sweep.check(damage, 'stream', sweep.behindHead)
        await sweep.check(damage, 'disc', sweep.behindHead)
      }
      // The whole door, with every signature, says the same.
      for (const damage of all.filter((_, i) => i % 64 === 0)) {
        await sweep.check(damage, 'stream')
        await sweep.check(damage, 'disc')
      }
      console.log(`      ${all.length} bits`)
    })

    it('is refused with any of 2,000 payload bits flipped', async () => {
      const below = seededBelow('payload')
      const regions = sweep.regions.filter(({ kind }) => kind === 'payload')
      const bytes = regions.reduce((sum, { from, to }) => sum + to - from, 0)
      for (let n = 0; n < 2000; n++) {
        let at = below(bytes)
        const region = regions.find(({ from, to }) => {
          if (at < to - from) return true
          at -= to - from
          return false
        })
        if (region === undefined) assert.fail()
        const damage = { region, bit: 8 * (region.from + at) + below(8) }
        await sweep.check(damage, 'stream', n % 64 === 0 ? prove : sweep.behindHead)
        await sweep.check(damage, 'disc', n % 64 === 0 ? prove : sweep.behindHead)
      }
    })

    it('is refused when it is cut at any block', async () => {
      for (let length = sweep.tar.length - 512; length >= 0; length -= 512)
        assert.deepEqual(await sweep.cut(length), ['TAR_TRUNCATED', 'TAR_TRUNCATED'], `cut at ${length}`)
      sweep.restore()
    })
  })

  // One every few bytes: P-384 is slow to verify.
  const others = [
    ['accept/root-3.tar', ['pinned root', 'later root'], 1],
    ['accept/two-of-three-p384.tar', ['targets signed', 'targets signatures', 'timestamp text', 'snapshot text'], 16],
  ] as const
  for (const [file, kinds, step] of others)
    it(`refuses ${file} with bits flipped in ${kinds.join(', ')}`, async () => {
      const sweep = new Sweep(readFileSync(join(BUNDLES, file)), expectations.accept[file] ?? assert.fail())
      try {
        await sweep.open()
        const below = seededBelow(file)
        for (const region of sweep.regions.filter(({ kind }) => (kinds as readonly string[]).includes(kind)))
          for (let at = region.from; at < region.to; at += step)
            await sweep.check({ region, bit: 8 * at + below(8) }, at % 16 === 0 ? 'disc' : 'stream')
      } finally {
        sweep.close()
      }
    })
})
