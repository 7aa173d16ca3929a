import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Descriptor } from '../../../src/oci/index.ts'
import { acquire, type AcquireOptions } from '../../../src/transfer/trust/acquire.ts'
import { sallyport } from '../../cli/program.ts'
import { needPeers, peer, startRegistry } from '../../peers/setup/registry.ts'
import { QUICK, scripted, type Reply, type Scripted } from '../../registry/scripted.ts'
import { pemOf, rootOf, STRANGER, VENDOR } from '../policies.ts'
import { Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

const PEM = pemOf(rootOf(VENDOR))

describe('transfer/trust/acquire', () => {
  let stage: Stage
  let fake: Scripted | undefined

  before(async () => {
    stage = await Stage.make()
  })

  after(() => stage?.close())
  afterEach(() => fake?.close())

  const get = (from: string, over: Partial<AcquireOptions> = {}): Promise<Buffer> =>
    acquire({ from, registry: { plainHttp: true, timing: QUICK, retries: 0 }, ...over })

  function artifact(...blobs: string[]): { dir: string; made: Descriptor } {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const layers = blobs.map((text) => builder.blob('application/x-pem-file', text))
    const made = builder.manifest({ artifactType: 'application/vnd.example.root', layers })
    builder.tag('registry.example/root', '1', made)
    builder.finish()
    return { dir, made }
  }

  it('gives the bytes of a file, an address, a layout and a registry, and of each the same', async function () {
    needPeers(this)
    const file = stage.path('root.crt')
    writeFileSync(file, PEM)
    fake = await scripted({ 'GET /root.crt': { body: PEM, headers: { 'content-type': 'text/html' } } })
    const { dir, made } = artifact(PEM)
    const registry = await startRegistry()
    try {
      const ref = `${registry.host}/root:1`
      await peer('oras', ['cp', '--from-oci-layout', `${dir}@${made.digest}`, '--to-plain-http', ref], {
        env: registry.env,
      })
      for (const bytes of [
        await get(file),
        await get(`${fake.origin}/root.crt`),
        await get(`HTTP${fake.origin.slice(4)}/root.crt?a=b#c`),
        await get(`oci:${dir}:1`, { artifact: true }),
        await get(`oci:${dir}@${made.digest}`, { artifact: true }),
        await get(ref, { artifact: true }),
      ])
        assert.equal(bytes.toString(), PEM)
    } finally {
      await registry.stop()
    }
  })

  it('refuses an artifact of no blob, of two, or of a large one, and asks for none of them', async () => {
    for (const blobs of [[], [PEM, pemOf(rootOf(STRANGER))], ['x'.repeat(4 * 1024 * 1024 + 1)]]) {
      const { dir } = artifact(...blobs)
      await assert.rejects(get(`oci:${dir}:1`, { artifact: true }), fault('CERTIFICATE_FILE'))
    }
  })

  it('takes from an address no redirect, no fault, no flood and no credentials', async () => {
    const big = Buffer.alloc(4 * 1024 * 1024 + 1)
    const replies: [Reply, 'REGISTRY_UNREACHABLE' | 'LIMIT_EXCEEDED'][] = [
      [{ status: 302, headers: { location: '/other' } }, 'REGISTRY_UNREACHABLE'],
      [{ status: 404 }, 'REGISTRY_UNREACHABLE'],
      [{ status: 500 }, 'REGISTRY_UNREACHABLE'],
      [{ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }, 'REGISTRY_UNREACHABLE'],
      [{ body: big }, 'LIMIT_EXCEEDED'],
      [{ raw: (response) => response.end(big), headers: { 'transfer-encoding': 'chunked' } }, 'LIMIT_EXCEEDED'],
    ]
    for (const [reply, code] of replies) {
      fake = await scripted({ 'GET /root.crt': reply, 'GET /other': { body: PEM } })
      await assert.rejects(get(`${fake.origin}/root.crt`), fault(code), code)
      assert.deepEqual(fake.seen(), ['GET /root.crt'])
      assert.ok(fake.asked.every(({ headers }) => headers.authorization === undefined))
      await fake.close()
    }
    await assert.rejects(get('http://127.0.0.1:1/root.crt'), fault('REGISTRY_UNREACHABLE'))
    await assert.rejects(get('https://user:pass@127.0.0.1:1/root.crt'), fault('USAGE'))
  })

  it('takes what is no address for a file, and never the reverse', async () => {
    for (const from of ['ftp://x/root.crt', 'file:///etc/hostname', 'data:,x', stage.path('nowhere'), '', '/'])
      await assert.rejects(get(from), fault('FILE_UNREADABLE'), from)
  })

  it('writes nothing at all for certificates that come over the network and have another fingerprint', async () => {
    const { dir, made } = artifact(PEM)
    const policy = stage.path('policy')
    const stranger = `sha256:${rootOf(STRANGER).sha256}`
    for (const digest of [stranger, made.digest]) {
      const args = ['trust', 'store', 'add', 'ca', 'vendor', `oci:${dir}:1`, '--artifact', '--policy', policy]
      const { status } = await sallyport([...args, '--fingerprint', digest])
      assert.equal(status, 13)
      assert.ok(!existsSync(policy))
    }
  })
})
