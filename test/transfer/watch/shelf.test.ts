import assert from 'node:assert/strict'
import fs, { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lookInto, type Arrival } from '../../../src/transfer/watch/inbox.ts'
import { Shelf } from '../../../src/transfer/watch/shelf.ts'
import { look, names, outcomes, Watching } from './watching.ts'

describe('transfer/watch/shelf', function () {
  this.timeout(120_000)
  let inbox: string
  beforeEach(() => {
    inbox = mkdtempSync(join(tmpdir(), 'sallyport-shelf-'))
  })
  afterEach(() => rmSync(inbox, { recursive: true, force: true }))

  async function arrived(text: string): Promise<Arrival> {
    writeFileSync(join(inbox, 'rev.tar'), text)
    const [arrival] = (await lookInto(inbox)).arrivals
    assert.ok(arrival)
    return arrival
  }

  it('leaves what was written into the same file where it is, and what another file brought', async () => {
    const shelf = Shelf.open(inbox, 'done')
    const written = await arrived('old')
    writeFileSync(join(inbox, 'rev.tar'), 'new')
    assert.equal(shelf.put(written, 'of old'), undefined)
    const renamed = await arrived('old')
    writeFileSync(join(inbox, 'rev.tar.part'), 'new')
    renameSync(join(inbox, 'rev.tar.part'), join(inbox, 'rev.tar'))
    assert.equal(shelf.put(renamed, 'of old'), undefined)
    assert.deepEqual([names(inbox), names(join(inbox, 'done'))], [['done', 'rev.tar'], []])
  })

  it('gives back what was written between the last look at it and its move', async () => {
    const shelf = Shelf.open(inbox, 'done')
    const arrival = await arrived('old')
    const { renameSync: rename } = fs
    fs.renameSync = (from, to) => {
      if (from === join(inbox, 'rev.tar')) writeFileSync(from, 'newer')
      rename(from, to)
    }
    syncBuiltinESMExports()
    try {
      assert.equal(shelf.put(arrival, 'of old'), undefined)
    } finally {
      fs.renameSync = rename
      syncBuiltinESMExports()
    }
    const [back, ...more] = names(inbox).filter((name) => name.endsWith('.tar'))
    assert.deepEqual([readFileSync(join(inbox, back ?? ''), 'utf8'), more], ['newer', []])
    assert.deepEqual(names(join(inbox, 'done')), [])
  })

  it('keeps a report without its bundle, under a name that nothing has', async () => {
    const shelf = Shelf.open(inbox, 'done')
    assert.equal(shelf.keep({ name: 'rev.tar' }, 'one'), 'rev.tar.report.json')
    assert.equal(shelf.keep({ name: 'rev.tar' }, 'two'), 'rev.2.tar.report.json')
    assert.equal(shelf.put(await arrived('three'), 'three'), 'rev.3.tar')
    // The next start leaves both where they are.
    Shelf.open(inbox, 'done')
    assert.equal(readFileSync(join(inbox, 'done', 'rev.2.tar.report.json'), 'utf8'), 'two')
    assert.equal(names(join(inbox, 'done')).length, 4)
  })

  it('takes the next bundle that was written into the file of one that is being imported, in its turn', async () => {
    const watching = await Watching.make()
    try {
      const site = await watching.work()
      const file = watching.put(site, 1, 'rev.tar')
      watching.put(site, 3, 'later.tar')
      const first = await look(site, {
        document: () => {
          writeFileSync(file, readFileSync(watching.bundle(2)))
          return 'of the first'
        },
      })
      assert.deepEqual([first.imported, first.waiting, first.rejected], [1, 2, 0])
      assert.equal(first.bundles.find(({ name }) => name === 'later.tar')?.waitsFor, 'rev.tar')
      const done = join(site.inbox, 'done')
      assert.deepEqual(names(done), ['rev.tar.report.json'])
      assert.equal(readFileSync(join(done, 'rev.tar.report.json'), 'utf8'), 'of the first')
      assert.deepEqual(outcomes(await look(site)), [
        ['rev.tar', 'imported'],
        ['later.tar', 'imported'],
      ])
      assert.deepEqual(readFileSync(join(done, 'rev.2.tar')), readFileSync(watching.bundle(2)))
    } finally {
      watching.close()
    }
  })

  it('does not reject what was written to while it was read', async () => {
    const watching = await Watching.make()
    try {
      const site = await watching.work()
      const file = join(site.inbox, 'a.tar')
      writeFileSync(file, Buffer.alloc(10_240))
      const report = await look(site, {
        document: () => {
          writeFileSync(file, readFileSync(watching.bundle(1)))
          return ''
        },
      })
      assert.deepEqual([report.rejected, outcomes(report)], [0, [['a.tar', 'waiting']]])
      assert.equal((await look(site)).imported, 1)
    } finally {
      watching.close()
    }
  })
})
