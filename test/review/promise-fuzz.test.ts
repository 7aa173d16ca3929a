import assert from 'node:assert/strict'
import { MemoryPlace, type MemoryRepository } from '../../src/content/index.ts'
import { isReservedTag, signatureTag, type Descriptor } from '../../src/oci/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { blob, image, index, LAYER, promised, type Picked } from './source-world.ts'

const SEED = Number(process.env['SEED'] ?? 20261124)
const TYPES = [
  LAYER,
  'application/vnd.dsse.envelope.v1+json',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
]
const PLATFORMS = [undefined, { os: 'linux', architecture: 'amd64' }, { os: 'windows', architecture: 'amd64' }]

class Dice {
  private state: number
  constructor(seed: number) {
    this.state = seed >>> 0
  }
  under(n: number): number {
    this.state = (Math.imul(this.state ^ (this.state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    return ((this.state ^ (this.state >>> 13)) >>> 0) % n
  }
  pick<T>(list: readonly T[]): T {
    return list[this.under(list.length)] as T
  }
}

/** Manifests used as blobs, tags on referrers, shared children, cycles of signature tags, two repositories. */
async function grow(dice: Dice): Promise<Map<MemoryRepository, Descriptor[]>> {
  const place = new MemoryPlace('h.example', 'source')
  const world = new Map<MemoryRepository, Descriptor[]>([[place.repository('a'), []]])
  if (dice.under(2) === 0) world.set(place.repository('b'), [])
  for (let step = 4 + dice.under(10); step > 0; step--) {
    const [to, held] = dice.pick([...world])
    const more = held.length > 0 && dice.under(3) === 0 ? { subject: dice.pick(held), artifactType: 'x/y' } : {}
    const layer = (): Descriptor =>
      held.length > 0 && dice.under(6) === 0
        ? { ...dice.pick(held), mediaType: dice.pick(TYPES) }
        : blob(to, `layer ${dice.under(5)}`, dice.pick(TYPES))
    const made =
      held.length === 0 || dice.under(2) === 0
        ? await image(to, Array.from({ length: dice.under(3) }, layer), more)
        : await index(
            to,
            Array.from({ length: dice.under(4) }, () => {
              const platform = dice.pick(PLATFORMS)
              return { ...dice.pick(held), ...(platform === undefined ? {} : { platform }) }
            }),
          )
    held.push(made)
    if (dice.under(3) === 0) await to.tag(`t${dice.under(4)}`, made)
    if (dice.under(3) === 0)
      await to.tag(signatureTag(dice.pick(held).digest, dice.pick(['sig', 'att', 'sbom'] as const)), made)
  }
  return world
}

async function choose(dice: Dice, world: Map<MemoryRepository, Descriptor[]>): Promise<Picked[]> {
  const picked: Picked[] = []
  for (const [source, held] of world) {
    const own = (await source.tags()).filter((tag) => !isReservedTag(tag))
    for (let part = 1 + dice.under(2); part > 0; part--) {
      const digests = held.length > 0 && dice.under(2) === 0 ? [dice.pick(held).digest] : []
      const choice = {
        platforms: dice.under(2) === 0 ? undefined : ['linux/amd64'],
        referrers: dice.pick(['all', 'signatures', 'none'] as const),
      }
      picked.push({ source, tags: own.filter(() => dice.under(2) === 0), digests, choice })
    }
  }
  return picked
}

describe('review: promise', () => {
  it(`reads back, and does not depend on the order of asking, for 300 random graphs (seed ${SEED})`, async () => {
    let made = 0
    for (let round = 0; round < 300; round++) {
      const dice = new Dice(SEED + round)
      const world = await grow(dice)
      const picked = await choose(dice, world)
      if (picked.every(({ tags, digests }) => tags.length + (digests?.length ?? 0) === 0)) continue
      try {
        const one = await promised(picked)
        const two = await promised(picked.toReversed())
        for (const [name, { sha256 }] of one.files.files)
          assert.equal(two.files.files.get(name)?.sha256, sha256, `${name} in round ${round}`)
        made++
      } catch (error) {
        // One digest as manifest and, with another size or type, as something else is refused by name; so are platforms
        // of which an index has none.
        if (!isFault(error, 'DESCRIPTOR_MALFORMED', 'MANIFEST_MISSING'))
          throw new Error(`round ${round}`, { cause: error })
      }
    }
    assert.ok(made > 150, `${made} promises`)
  })
})
