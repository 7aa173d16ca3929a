/** A run that is told to stop ends while a registry keeps still, and says so with a code: whichever verb, at whichever request. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { acquire } from '../../../src/transfer/trust/acquire.ts'
import { restoreTag } from '../../../src/transfer/rejudge/restore-tag.ts'
import { interruption } from '../../../src/transfer/run/run.ts'
import { digestOf, type Digest } from '../../../src/oci/index.ts'
import { EMPTY_CONFIG, manifest, randomBlob } from '../../contract/content.ts'
import { fault } from '../../fault.ts'
import { scripted, type Script, type Scripted } from '../../registry/scripted.ts'
import { checkAt, policyFolder, signAt } from '../policies.ts'
import { NOW, planFor, Stage } from '../stage.ts'

describe('transfer/run: interruption', function () {
  // A request that nobody ends is waited for, and repeated, some minutes.
  this.timeout(40_000)
  let stage: Stage
  let policy = ''
  let stop: AbortController
  const open: { close(): unknown }[] = []

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })
  beforeEach(() => {
    stop = new AbortController()
  })
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })
  after(() => stage?.close())

  /** Keeps still, and the run is told to stop, once it is asked for this. */
  const registryOf = async (still: string, script: Script = {}): Promise<Scripted> => {
    const quiet = { raw: () => void setTimeout(() => stop.abort(), 20) }
    const fake = await scripted({ 'GET /v2/': {}, ...script, [still]: quiet })
    open.push(fake)
    return fake
  }
  const registry = { plainHttp: true, retries: 3 }
  const terms = () => ({ registry, signal: stop.signal })

  it('follows a signal with a code, once for each', () => {
    const follows = interruption(stop.signal)
    assert.equal(interruption(stop.signal), follows)
    assert.equal(interruption(undefined), undefined)
    stop.abort()
    assert.ok(fault('INTERRUPTED')(follows?.reason))
    assert.ok(fault('INTERRUPTED')(interruption(AbortSignal.abort())?.reason))
  })

  const verbs: Record<string, (ref: string) => Promise<unknown>> = {
    check: (ref) => checkAt(ref, policy, terms()),
    sign: (ref) => signAt(ref, terms()),
    export: (ref) => stage.export({ plan: planFor(ref), output: stage.path('never.tar'), ...terms() }),
    'trust store add': (from) => acquire({ from, artifact: true, ...terms() }),
    restore: async (ref) => {
      const to: Digest = digestOf(Buffer.from('anything'))
      const state = await stage.site()
      return restoreTag({ state, ref, to, reason: 'test', unseen: true, policy, now: NOW, ...terms() })
    },
  }
  for (const [verb, run] of Object.entries(verbs)) {
    it(`ends ${verb} while the registry keeps still`, async () => {
      const fake = await registryOf(verb === 'restore' ? 'HEAD *' : 'GET /v2/a/b/*')
      await assert.rejects(run(`${fake.host}/a/b:1`), fault('INTERRUPTED'))
    })
  }

  it('ends a signing while the registry keeps still that is written to', async () => {
    const { descriptor, bytes } = manifest(randomBlob(10))
    const headers = { 'content-type': descriptor.mediaType, 'docker-content-digest': descriptor.digest }
    const fake = await registryOf('HEAD *', { 'GET /v2/a/b/manifests/1': { headers, body: bytes } })
    await assert.rejects(signAt(`${fake.host}/a/b:1`, terms()), fault('INTERRUPTED'))
  })

  it('ends a run that does not know yet how the registry is spoken to', async () => {
    const silent: Server = createServer(() => setTimeout(() => stop.abort(), 20))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    open.push(silent)
    const ref = `127.0.0.1:${(silent.address() as AddressInfo).port}/a/b:1`
    await assert.rejects(checkAt(ref, policy, { signal: stop.signal }), fault('INTERRUPTED'))
  })

  it('keeps a bundle that was whole before, and says that tags were not looked at again', async () => {
    const blob = randomBlob(100)
    const { descriptor, bytes } = manifest(blob)
    const headers = { 'content-type': descriptor.mediaType, 'docker-content-digest': descriptor.digest }
    const fake = await registryOf('HEAD *', {
      'GET /v2/a/b/manifests/1': { headers, body: bytes },
      'GET /v2/a/b/tags/list': { body: '{"name":"a/b","tags":["1"]}', headers: { 'content-type': 'application/json' } },
      ...Object.fromEntries(
        [blob, EMPTY_CONFIG].map((one) => [`GET /v2/a/b/blobs/${one.descriptor.digest}`, { body: one.bytes }]),
      ),
    })
    const output = stage.path('whole.tar')
    const records: boolean[] = []
    const report = await stage.export({
      plan: planFor(`${fake.host}/a/b:1`),
      output,
      onEvent: (event) => void (event.type === 'note' && records.push(existsSync(`${output}.part.json`))),
      ...terms(),
    })
    assert.equal(report.moved, null)
    // One note; a kill before it would have been completed by the same command.
    assert.deepEqual(records, [true])
    assert.ok(!existsSync(`${output}.part.json`))
    assert.equal((await stage.verify(output, { state: await stage.site() })).verdict, 'trusted')
  })
})
