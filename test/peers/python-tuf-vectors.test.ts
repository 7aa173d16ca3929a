/** Stock python-tuf over the whole corpus: it accepts every accepted bundle and refuses every forgery that TUF can see. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import type { Pin } from '../../bundles/vectors/expect.ts'
import { BUNDLES, readExpectations } from '../bundle/corpus.ts'
import { needPeers, tryPeer } from './setup/run.ts'

const CLIENT = join(import.meta.dirname, '../tuf/python-tuf-client.py')
const TRUST = [12, 13, 15, 18]
const { accept, reject } = readExpectations()
const trust = Object.entries(reject).filter(([, { exit }]) => TRUST.includes(exit))

describe('peers/python-tuf-vectors', function () {
  this.timeout(120_000)
  let dir: string
  /** The extracted bundle that is served, and the channel that its folder is named after. */
  let served = ''
  let channel = ''
  /** Where its targets are, below the extracted bundle. */
  let base = ''
  const server = createServer((request, response) => {
    const path = normalize(request.url ?? '/')
      .replace('/metadata/', `/metadata/${channel}/`)
      .replace('/targets/', `/${base}`)
    const file = join(served, path)
    if (existsSync(file)) response.writeHead(200).end(readFileSync(file))
    else response.writeHead(404).end()
  })

  before(async function () {
    needPeers(this)
    dir = mkdtempSync(join(tmpdir(), 'sallyport-python-tuf-'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(() => {
    server.close()
    if (dir !== undefined) rmSync(dir, { recursive: true })
  })

  function extract(file: string, into: string): void {
    mkdirSync(into, { recursive: true })
    execFileSync('tar', ['-xf', join(BUNDLES, file), '-C', into])
  }

  /** What the client says of the bundle; it keeps in `site` what it has seen. */
  async function update(site: string, file: string, judge: Pin, targets: readonly string[]): Promise<string> {
    base = ''
    served = join(site, `served-${file.replaceAll('/', '-')}`)
    extract(file, served)
    // A plain file server knows one folder; a stranger's bundle is met where the site looks for its own channel.
    channel = existsSync(join(served, 'metadata', judge.channel)) ? judge.channel : 'stranger'
    return ask(site, judge, targets)
  }

  async function ask(site: string, judge: Pin, targets: readonly string[]): Promise<string> {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const args = [CLIENT, join(site, 'client'), join(BUNDLES, judge.root), url, ...targets]
    const { status, stdout, stderr } = await tryPeer('python-tuf', args)
    assert.equal(status, 0, stderr)
    return stdout.trim()
  }

  /** A fresh client that has seen what the judge has seen. */
  async function client(file: string, { before, channel: name }: Pin): Promise<string> {
    const site = join(dir, `${name}-${file.replaceAll('/', '-')}`)
    mkdirSync(site)
    const known = before === null ? undefined : (accept[before.bundle] ?? assert.fail())
    if (before !== null && known !== undefined) assert.equal(await update(site, before.bundle, known, []), 'ok')
    return site
  }

  for (const [file, expect] of Object.entries(accept))
    it(`accepts ${file} with every file it signs`, async () => {
      const site = await client(file, expect)
      const names = ['transfer.json', 'SHA256SUMS', 'index.json']
      const long = file.includes('sha512') ? ['SHA512SUMS'] : []
      assert.equal(await update(site, file, expect, [...names, ...long]), 'ok')
      assert.match(await update(site, file, expect, ['oci-layout']), /^LookupError/)
    })

  const riding = Object.entries(accept).flatMap(([file, { also = [], passengers = [] }]) =>
    also.map((pin) => ({ file, pin, outcome: passengers.find(({ channel: name }) => name === pin.channel)?.outcome })),
  )
  const SAID = {
    accepted: /^ok$/,
    repeat: /^ok$/,
    skipped: /^BadVersionNumberError/,
    refused: /^(UnsignedMetadataError|RepositoryError)/,
  }

  for (const { file, pin, outcome } of riding)
    it(`says of the passenger ${pin.channel} in ${file} what we say: ${outcome}`, async () => {
      const site = await client(file, pin)
      served = join(site, 'served')
      extract(file, served)
      channel = pin.channel
      base = `passengers/${channel}/`
      assert.match(await ask(site, pin, ['transfer.json', 'SHA256SUMS', 'index.json']), SAID[outcome ?? assert.fail()])
    })

  it('is told for each reject of class trust what to expect', () => {
    assert.ok(trust.length >= 20)
    for (const [file, { exit, tuf }] of Object.entries(reject))
      assert.equal(tuf !== undefined, TRUST.includes(exit), file)
  })

  for (const [file, expect] of trust)
    if (expect.tuf === 'refuses')
      it(`refuses ${file}`, async () => {
        const site = await client(file, expect)
        const said = await update(site, file, expect, ['transfer.json', 'SHA256SUMS', 'index.json'])
        assert.match(
          said,
          /^(UnsignedMetadataError|BadVersionNumberError|ExpiredMetadataError|RepositoryError|LengthOrHashMismatchError)/,
        )
      })
    else
      it(`cannot see what is wrong with ${file}`, async () => {
        const site = await client(file, expect)
        assert.equal(await update(site, file, expect, []), 'ok')
      })
})
