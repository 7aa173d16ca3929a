/** Stock python-tuf as a peer: it accepts what we build and refuses what TUF can see is wrong. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hash } from 'node:crypto'
import { timeText } from '../../src/codec/index.ts'
import { addSignature, buildHead } from '../../src/tuf/build.ts'
import { needPeers, tryPeer } from '../peers/setup/run.ts'
import { makeChannel, makeKeys, rotate, type Channel } from './channel-fixture.ts'

const CLIENT = join(import.meta.dirname, 'python-tuf-client.py')
const FILES: Record<string, Buffer> = {
  'index.json': Buffer.from('{"index":1}'),
  'transfer.json': Buffer.from('{"transfer":1}'),
  SHA256SUMS: Buffer.from('sums\n'),
}
const targets = Object.fromEntries(
  Object.entries(FILES).map(([name, bytes]) => [name, { length: bytes.length, sha256: hash('sha256', bytes) }]),
)

const day = 86_400_000
const soon = timeText(new Date(Date.now() + day))
const past = timeText(new Date(Date.now() - day))
const channel = makeChannel('peer')
const [alice, bob, carol] = channel.keys.targets
assert.ok(alice !== undefined && bob !== undefined && carol !== undefined)

function served(made: Channel, sequence: number, people = [alice, bob], expires = soon, chain = [made]) {
  const signers = [...made.keys.snapshot, ...made.keys.timestamp, ...people.filter((key) => key !== undefined)]
  const { timestamp, snapshot, targets: slot } = buildHead({ root: made.root, sequence, expires, targets, signers })
  const roots = chain.map(({ root }, i) => [`metadata/${i + 1}.root.json`, root] as const)
  const metadata = { 'metadata/timestamp.json': timestamp, 'metadata/snapshot.json': snapshot }
  const files = Object.entries(FILES).map(([name, bytes]) => [`targets/${name}`, bytes] as const)
  return new Map<string, Buffer>([...roots, ...Object.entries(metadata), ['metadata/targets.json', slot], ...files])
}

describe('tuf/python-tuf', function () {
  this.timeout(120_000)
  let files = new Map<string, Buffer>()
  let site = ''
  const server = createServer((request, response) => {
    const body = files.get((request.url ?? '').slice(1))
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })

  before(async function () {
    needPeers(this)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  beforeEach(() => {
    site = mkdtempSync(join(tmpdir(), 'sallyport-tuf-'))
    writeFileSync(join(site, 'root.json'), channel.root)
  })
  afterEach(() => rmSync(site, { recursive: true }))
  after(() => server.close())

  /** What the client says; it keeps its metadata within one test. */
  async function update(offered: Map<string, Buffer>): Promise<string> {
    files = offered
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const args = [CLIENT, site, join(site, 'root.json'), url, ...Object.keys(FILES)]
    const { status, stdout, stderr } = await tryPeer('python-tuf', args)
    assert.equal(status, 0, stderr)
    return stdout.trim()
  }

  it('accepts a head signed by two of three, with keys of both kinds', async () => {
    assert.deepEqual([alice.kind, bob.kind, carol.kind], ['ed25519', 'p384', 'ed25519'])
    for (const people of [
      [alice, bob],
      [bob, carol],
    ]) {
      assert.equal(await update(served(channel, people[0] === alice ? 5 : 6, people)), 'ok')
    }
  })

  it('accepts a further approval that was added in place', async () => {
    const offered = served(channel, 5, [bob])
    assert.match(await update(offered), /^UnsignedMetadataError/)
    const approved = addSignature(offered.get('metadata/targets.json') ?? Buffer.alloc(0), channel.root, carol)
    assert.equal(await update(offered.set('metadata/targets.json', approved)), 'ok')
    const third = addSignature(approved, channel.root, alice)
    assert.equal(await update(offered.set('metadata/targets.json', third)), 'ok')
  })

  it('follows a rotation, with counters that begin again', async () => {
    assert.equal(await update(served(channel, 900)), 'ok')
    const fresh = makeKeys('fresh')
    const second = rotate(channel, { root: fresh.root, snapshot: fresh.snapshot, timestamp: fresh.timestamp })
    assert.equal(await update(served(second, 7, [alice, bob], soon, [channel, second])), 'ok')
  })

  it('refuses one approval where two are needed', async () => {
    assert.match(await update(served(channel, 5, [alice])), /^UnsignedMetadataError: targets was signed by 1\/2 keys/)
  })

  it('refuses an expired head', async () => {
    assert.match(await update(served(channel, 5, [alice, bob], past)), /^ExpiredMetadataError/)
  })

  it('refuses an older head, and takes the next newer one', async () => {
    assert.equal(await update(served(channel, 5)), 'ok')
    assert.match(await update(served(channel, 4)), /^BadVersionNumberError/)
    assert.equal(await update(served(channel, 6)), 'ok')
  })

  it('refuses a head of other keys', async () => {
    const stranger = makeChannel('stranger')
    const { root } = channel
    const people = stranger.keys.targets.slice(0, 2)
    assert.match(await update(served(stranger, 5, people, soon, [{ ...stranger, root }])), /^UnsignedMetadataError/)
  })
})
