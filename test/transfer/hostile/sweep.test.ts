/** Damage swept over whole bundles: each bit gives a code of its region, and nothing damaged is ever accepted. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seeded, solo } from '../../../bundles/vectors/channels.ts'
import { AMD64, oneImage, OCI_LAYER } from '../../../bundles/vectors/goods.ts'
import { pack } from '../../../bundles/vectors/pack.ts'
import { BUNDLES, prove, readExpectations } from '../../bundle/corpus.ts'
import type { Region } from '../../bundle/regions.ts'
import { seededBelow } from '../../seed.ts'
import { Sweep, type Damage } from '../../bundle/sweep.ts'

const expectations = readExpectations()

/** A bundle of every kind of member, with some payload: 130 KiB. */
function sweptBundle(): Buffer {
  const goods = oneImage((shelf) => {
    const random = seeded('sweep')
    const layers = [40_000, 511, 20_000].map((size) => shelf.blob(OCI_LAYER, random(size)))
    layers.push(shelf.blob(OCI_LAYER, random(9_000), 'sha512'))
    const image = shelf.image('swept', AMD64, layers)
    shelf.tag('1.0', image)
    const envelope = shelf.blob('application/jose+json', '{"payload":"an envelope"}')
    const type = 'application/vnd.cncf.notary.signature'
    shelf.refer(image, shelf.manifest({ artifactType: type, layers: [envelope], subject: image }), type)
  })
  return pack(solo, 1, goods).tar
}

describe('transfer/hostile/sweep', function () {
  this.timeout(300_000)

  describe('a bundle with passengers', () => {
    const file = 'accept/passengers-two.tar'
    let sweep: Sweep
    before(async () => {
      sweep = new Sweep(readFileSync(join(BUNDLES, file)), expectations.accept[file] ?? assert.fail())
      await sweep.open()
    })
    after(() => sweep.close())

    it('is refused whole with one bit flipped anywhere in them, whatever the site has pinned', async () => {
      const below = seededBelow('passengers')
      const aboard = sweep.regions.filter(({ member }) => /\/(office|stores)\//.test(member))
      const all = aboard.flatMap((region) =>
        Array.from({ length: Math.ceil((region.to - region.from) / 24) }, () => ({
          region,
          bit: 8 * region.from + below(8 * (region.to - region.from)),
        })),
      )
      assert.ok(all.length > 3000)
      for (const [i, damage] of all.entries()) {
        await sweep.check(damage, 'stream', sweep.behindHead)
        if (i % 16 === 0) await sweep.check(damage, 'disc')
      }
      console.log(`      ${all.length} bits`)
    })
  })

  describe('a bundle of every kind of member', () => {
    let sweep: Sweep
    before(async () => {
      sweep = new Sweep(sweptBundle(), expectations.accept['accept/solo-ed25519.tar'] ?? assert.fail())
      assert.ok(sweep.tar.length <= 256 * 1024)
      await sweep.open()
    })
    after(() => sweep.close())

    const flips = (below: (bound: number) => number, take: (region: Region) => boolean): Damage[] =>
      sweep.regions.filter(take).flatMap((region) =>
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
      for (const damage of all) await sweep.check(damage, 'stream', sweep.behindHead)
      for (const damage of all.filter((_, i) => i % 4 === 0)) await sweep.check(damage, 'disc', sweep.behindHead)
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
    ['accept/root-3.tar', ['pinned root', 'later root'], 2],
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
