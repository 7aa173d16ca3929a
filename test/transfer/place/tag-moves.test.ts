import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { moveTags, settleIntents, type WantedTag } from '../../../src/transfer/place/tag-moves.ts'
import { manifest, randomBlob } from '../../contract/content.ts'
import { fault } from '../../fault.ts'
import { scripted, type Answering, type Asked, type Scripted } from '../../registry/scripted.ts'
import { Ward } from '../ward.ts'

const TAGS = 200
const { descriptor, bytes } = manifest(randomBlob(10))

describe('transfer/place/tag-moves', () => {
  let ward: Ward
  let fake: Scripted
  /** The tags that the registry refuses to be asked for, or to move. */
  let broken: Set<string>

  const tagOf = ({ url }: Asked): string => url.replace(/^.*\//, '')

  beforeEach(async () => {
    broken = new Set()
    const moved = new Set<string>()
    const named: Answering = {
      headers: {
        'content-type': descriptor.mediaType,
        'docker-content-digest': descriptor.digest,
        'content-length': String(descriptor.size),
      },
    }
    fake = await scripted({
      'GET /v2/': {},
      'HEAD *': (asked) =>
        broken.has(`HEAD ${tagOf(asked)}`) ? { status: 403 } : moved.has(tagOf(asked)) ? named : { status: 404 },
      'PUT *': (asked) => {
        if (broken.has(`PUT ${tagOf(asked)}`)) return { status: 403 }
        moved.add(tagOf(asked))
        return { status: 201 }
      },
    })
    ward = await Ward.make(fake.host)
  })
  afterEach(async () => {
    await ward?.close()
    await fake?.close()
  })

  const wanted = (): WantedTag[] =>
    Array.from({ length: TAGS }, (_, i) => ({
      target: ward.target,
      repository: 'mirror/app',
      tag: `v${i}`,
      descriptor,
      bytes,
    }))
  const move = () => moveTags(ward.state, ward.place, wanted(), 8, {})

  it('journals the intent of each before it moves, and its end after it', async () => {
    const reports = await move()
    assert.deepEqual(
      reports.map(({ tag, outcome }) => `${tag} ${outcome}`),
      wanted().map(({ tag }) => `${tag} moved`),
    )
    assert.deepEqual(ward.state.openIntents(ward.place.name), [])
    assert.equal(fake.asked.filter(({ method }) => method === 'PUT').length, TAGS)
    assert.ok((await move()).every(({ outcome }) => outcome === 'kept'))
    assert.equal(fake.asked.filter(({ method }) => method === 'PUT').length, TAGS)
  })

  for (const [what, at] of [
    ['the first that is asked for', 'HEAD v0'],
    ['one that is asked for while others move', 'HEAD v70'],
    ['the last that is asked for', `HEAD v${TAGS - 1}`],
    ['one that is to move', 'PUT v100'],
  ] as const)
    it(`ends with the refusal of ${what}, asks nothing behind it, and leaves no move without its intent`, async () => {
      broken.add(at)
      await assert.rejects(move(), fault('REGISTRY_DENIED'))
      const { length } = fake.asked
      await setTimeout(50)
      assert.equal(fake.asked.length, length)
      const moved = new Set(fake.asked.filter(({ method }) => method === 'PUT').map(tagOf))
      const rows = await Promise.all([...moved].map((tag) => ward.state.tagHistory(ward.place.name, 'mirror/app', tag)))
      assert.equal(rows.flat().length + ward.state.openIntents(ward.place.name).length >= moved.size, true)
      broken.clear()
      await settleIntents(ward.state, ward.place)
      await move()
      assert.deepEqual(ward.state.openIntents(ward.place.name), [])
    })
})
