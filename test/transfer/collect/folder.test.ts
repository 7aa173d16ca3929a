/** Lists and OCSP answers taken from a folder, whatever its files are called. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { encodePem } from '../../../src/codec/index.ts'
import { Authority } from '../../revocation/authority.ts'
import { RevocationWorld } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

describe('transfer/collect/folder', function () {
  this.timeout(60_000)
  let world: RevocationWorld
  let keys: string
  let ref: string

  before(async () => {
    world = await RevocationWorld.open()
    keys = await world.channel()
    ref = await world.signed()
  })
  beforeEach(() => {
    world.publish()
    world.server.asked.length = 0
  })
  after(() => world?.close())

  function folder(files: Record<string, string | Uint8Array>): string {
    const dir = world.path('lists')
    mkdirSync(dir)
    for (const [name, bytes] of Object.entries(files)) writeFileSync(`${dir}/${name}`, bytes)
    return dir
  }

  function strangersList(): Buffer {
    const stranger = new Authority('stranger')
    try {
      return world.list(stranger)
    } finally {
      stranger.remove()
    }
  }

  it('knows lists and answers by what they are, whatever they are called', async () => {
    const from = folder({
      readme: 'not a list',
      'a.jpg': world.list(world.issuing),
      b: encodePem('X509 CRL', world.list(world.root)),
      'older.crl': world.list(world.issuing, { number: 9 }),
      c: world.answer(),
      'stranger.crl': strangersList(),
    })
    const { revocation } = await world.export(keys, [ref], { collect: 'folder', from })
    assert.deepEqual(revocation?.pieces.map(({ kind, number }) => [kind, number]).sort(), [
      ['answer', null],
      ['list', '16'],
      ['list', '16'],
    ])
    assert.ok(revocation?.warnings.some((warning) => warning.startsWith('readme ')))
    assert.deepEqual(world.server.asked, [])
  })

  it("reads notation's cache, whose names say which address a list is of", async () => {
    const cached = (list: Buffer): string => JSON.stringify({ baseCRL: list.toString('base64') })
    const name = (url: string): string => hash('sha256', url, 'hex')
    const from = folder({
      [name(world.listUrl)]: cached(world.list(world.issuing)),
      [name(world.rootUrl)]: cached(world.list(world.root)),
    })
    const { revocation } = await world.export(keys, [ref], { collect: 'folder', from })
    assert.equal(revocation?.pieces.length, 2)
    const wrong = folder({
      [name(`${world.listUrl}?`)]: cached(world.list(world.issuing)),
      [name(world.rootUrl)]: cached(world.list(world.root)),
    })
    await assert.rejects(
      world.export(keys, [ref], { collect: 'folder', from: wrong }),
      fault('LIST_UNAVAILABLE', world.listUrl),
    )
  })

  it('names a list that the folder lacks', async () => {
    const from = folder({ 'root.crl': world.list(world.root) })
    await assert.rejects(
      world.export(keys, [ref], { collect: 'folder', from }),
      fault('LIST_UNAVAILABLE', world.listUrl),
    )
    await assert.rejects(
      world.export(keys, [ref], { collect: 'folder', from: `${from}-not` }),
      fault('FILE_UNREADABLE'),
    )
  })
})
