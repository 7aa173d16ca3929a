import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { openLayout, type Source } from '../../../src/content/index.ts'
import type { Code } from '../../../src/errors/index.ts'
import { digestOf, OCI_EMPTY, OCI_MANIFEST, type Descriptor } from '../../../src/oci/index.ts'
import { EMPTY_CONFIG, SIGNATURE_TYPE } from '../../../src/signature/index.ts'
import { signaturesAt } from '../../../src/transfer/trust/found-signatures.ts'
import { errors, QUICK, scripted, type Scripted, type Script } from '../../registry/scripted.ts'
import {
  artifactIn,
  checkAt,
  layDown,
  makeSignature,
  policyFolder,
  signAt,
  STRANGER,
  VENDOR,
  wrap,
  type MadeSignature,
} from '../policies.ts'
import { Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

const NOBODY = { anchors: new Set<string>() }
const INDEX = 'application/vnd.oci.image.index.v1+json'

describe('transfer/trust/found-signatures', () => {
  let stage: Stage
  let policy: string
  let hostile: Scripted | undefined

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })

  after(() => stage?.close())
  afterEach(() => hostile?.close())

  interface Made {
    dir: string
    app: Descriptor
    source: Source
  }

  async function layout(
    signatures: (app: Descriptor, builder: LayoutBuilder) => Promise<MadeSignature[]>,
  ): Promise<Made> {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const app = artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    const made = await signatures(app, builder)
    if (made.length > 0) layDown(builder, app, made)
    builder.finish()
    return { dir, app, source: (await openLayout(dir)).source('registry.example/app') }
  }

  /** The codes of what was found; `undefined` for a signature that could be read. */
  async function codes({ source, app }: Made): Promise<(Code | undefined)[]> {
    return (await signaturesAt(source, app.digest, NOBODY)).map((found) => found.fault?.code)
  }

  const manifestOf = (app: Descriptor, over: Record<string, unknown>): MadeSignature => {
    const config = { mediaType: SIGNATURE_TYPE, digest: digestOf(EMPTY_CONFIG), size: 2 }
    const { mediaType, digest, size } = app
    const whole = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config,
      layers: [],
      subject: { mediaType, digest, size },
    }
    const bytes = Buffer.from(JSON.stringify({ ...whole, ...over }))
    return {
      envelope: EMPTY_CONFIG,
      blob: { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: 2 },
      bytes,
      manifest: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length },
    }
  }

  it('finds both manifest forms and both envelope formats, each once', async () => {
    const made = await layout(async () => [])
    const ref = `oci:${made.dir}:1.0`
    const laid = []
    for (const format of ['jws', 'cose'] as const)
      for (const form of ['legacy', 'artifactType'] as const) laid.push((await signAt(ref, { format, form })).signature)
    const source = (await openLayout(made.dir)).source('registry.example/app')
    const found = await signaturesAt(source, made.app.digest, NOBODY)
    assert.deepEqual(found.map(({ manifest }) => manifest).sort(), laid.toSorted())
    assert.deepEqual(
      new Set(found.map(({ mediaType }) => mediaType)),
      new Set(['application/jose+json', 'application/cose']),
    )
    assert.ok(found.every((one) => one.fault === undefined && one.envelope !== undefined))
  })

  it('lists the thumbprints that a manifest claims, by which a heap of strangers is passed over', async () => {
    const made = await layout(async (app) => [await makeSignature(app)])
    const [found] = await signaturesAt(made.source, made.app.digest, NOBODY)
    assert.deepEqual(
      found?.thumbprints,
      VENDOR.chain.map(({ sha256 }) => sha256),
    )
    for (const claim of ['[1]', '{', '"a"', '{"a":"b"}', JSON.stringify(Array.from({ length: 5000 }, () => 'ab'))]) {
      const odd = await layout(async (app) => {
        const good = await makeSignature(app)
        const layers = [good.blob]
        const annotations = { 'io.cncf.notary.x509chain.thumbprint#S256': claim }
        return [{ ...manifestOf(app, { layers, annotations }), envelope: good.envelope, blob: good.blob }]
      })
      const [one] = await signaturesAt(odd.source, odd.app.digest, NOBODY)
      assert.equal(one?.fault, undefined, claim.slice(0, 20))
      assert.ok((one?.thumbprints ?? []).length <= 100)
    }
  })

  it('lists as failed a signature with two layers, none, of a wrong type, or whose blob is gone', async () => {
    const text = (builder: LayoutBuilder): Descriptor => builder.blob('text/plain', 'no envelope')
    const two = await layout(async (app) => {
      const [a, b] = [await makeSignature(app), await makeSignature(app, { format: 'cose' })]
      return [{ ...manifestOf(app, { layers: [a.blob, b.blob] }), envelope: a.envelope, blob: a.blob }]
    })
    assert.deepEqual(await codes(two), ['ENVELOPE_MALFORMED'])
    const none = await layout(async (app) => [manifestOf(app, { layers: [] })])
    assert.deepEqual(await codes(none), ['ENVELOPE_MALFORMED'])
    const type = await layout(async (app, builder) => [manifestOf(app, { layers: [text(builder)] })])
    assert.deepEqual(await codes(type), ['ENVELOPE_MALFORMED'])
    const gone = await layout(async (app) => [await makeSignature(app)])
    const [found] = await signaturesAt(gone.source, gone.app.digest, NOBODY)
    const blob = digestOf(found?.envelope ?? Buffer.alloc(0))
    rmSync(join(gone.dir, 'blobs', ...blob.split(':')))
    assert.deepEqual(await codes(gone), ['BLOB_MISSING'])
    writeFileSync(join(gone.dir, 'blobs', ...blob.split(':')), 'other bytes')
    assert.deepEqual(await codes(gone), ['SIZE_MISMATCH'])
    // Each stands in the verdict, and condemns no good signature beside it.
    for (const { dir } of [two, none, type, gone]) {
      const before = await checkAt(`oci:${dir}:1.0`, policy)
      assert.deepEqual([before.verdict, before.signatures.length], ['rejected', 1])
      await signAt(`oci:${dir}:1.0`)
      const after = await checkAt(`oci:${dir}:1.0`, policy)
      assert.deepEqual([after.verdict, after.signatures.length], ['trusted', 2])
    }
  })

  it('takes for no signature what calls itself something else', async () => {
    const made = await layout(async (app, builder) => {
      const signature = await makeSignature(app)
      const layers = [builder.blob('application/jose+json', signature.envelope)]
      return [
        manifestOf(app, { layers, artifactType: 'application/spdx+json' }),
        manifestOf(app, {
          layers,
          config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(EMPTY_CONFIG), size: 2 },
        }),
      ]
    })
    assert.deepEqual(await codes(made), [])
    const verdict = await checkAt(`oci:${made.dir}:1.0`, policy)
    assert.deepEqual([verdict.verdict, verdict.code], ['rejected', 'SIGNATURE_MISSING'])
  })

  it('rejects an envelope over another subject, and one whose media type or size is swapped', async () => {
    for (const [name, over] of [
      ['digest', { digest: digestOf(Buffer.from('another')) }],
      ['size', { size: 1 }],
      ['media type', { mediaType: INDEX }],
    ] as const) {
      const made = await layout(async (app) => [await makeSignature(app, { over: { ...app, ...over } })])
      const verdict = await checkAt(`oci:${made.dir}:1.0`, policy)
      assert.deepEqual(
        [verdict.verdict, verdict.code, verdict.signatures[0]?.code],
        ['rejected', 'TARGET_MISMATCH', 'TARGET_MISMATCH'],
        name,
      )
    }
  })

  /** A registry that serves one artifact with these referrers, listed as told, and counts what it is asked. */
  async function serve(
    app: { bytes: Buffer; descriptor: Descriptor },
    signatures: readonly MadeSignature[],
    over: Script = {},
    listed: readonly Descriptor[] = signatures.map(({ manifest }) => manifest),
  ): Promise<string> {
    const script: Script = { 'GET /v2/': { status: 200 }, 'GET /v2/app/tags/list': { status: 404 } }
    const manifest = (digest: string, bytes: Buffer): void => {
      script[`GET /v2/app/manifests/${digest}`] = { headers: { 'content-type': OCI_MANIFEST }, body: bytes }
    }
    manifest(app.descriptor.digest, app.bytes)
    for (const { manifest: made, bytes, blob, envelope } of signatures) {
      manifest(made.digest, bytes)
      script[`GET /v2/app/blobs/${blob.digest}`] = { body: envelope }
    }
    script[`GET /v2/app/referrers/${app.descriptor.digest}`] = {
      headers: { 'content-type': INDEX },
      body: JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: listed }),
    }
    hostile = await scripted({ ...script, ...over })
    return `${hostile.host}/app@${app.descriptor.digest}`
  }

  const registry = { plainHttp: true, timing: QUICK, seed: 7, retries: 1 }
  const { bytes, descriptor } = ((): { bytes: Buffer; descriptor: Descriptor } => {
    const config = { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: 2 }
    const made = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [] }))
    return { bytes: made, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(made), size: made.length } }
  })()

  it('looks past a referrer that lies about its subject, or whose list lies about it', async () => {
    const elsewhere = await makeSignature(
      { ...descriptor, digest: digestOf(Buffer.from('elsewhere')) },
      { over: descriptor },
    )
    const good = await makeSignature(descriptor)
    const lone = await serve({ bytes, descriptor }, [elsewhere])
    const none = await checkAt(lone, policy, { registry })
    assert.deepEqual([none.verdict, none.code, none.signatures.length], ['rejected', 'SIGNATURE_MISSING', 0])
    await hostile?.close()
    const both = await serve({ bytes, descriptor }, [elsewhere, good])
    assert.equal((await checkAt(both, policy, { registry })).verdict, 'trusted')
    await hostile?.close()
    // Listed under the good one's digest with another size: the bytes are not the ones promised.
    const sized = await serve({ bytes, descriptor }, [good], {}, [{ ...good.manifest, size: good.manifest.size + 1 }])
    const verdict = await checkAt(sized, policy, { registry })
    assert.deepEqual([verdict.verdict, verdict.signatures[0]?.code], ['rejected', 'SIZE_MISMATCH'])
  })

  it('asks for no envelope of 100 MB', async () => {
    const good = await makeSignature(descriptor)
    const blob = { ...good.blob, size: 100 * 1024 * 1024 }
    const huge = { ...manifestOf(descriptor, { layers: [blob] }), blob, envelope: Buffer.alloc(0) }
    const verdict = await checkAt(await serve({ bytes, descriptor }, [huge]), policy, { registry })
    assert.deepEqual([verdict.verdict, verdict.code], ['rejected', 'LIMIT_EXCEEDED'])
    assert.ok(hostile?.seen().every((asked) => !asked.includes('/blobs/')))
  })

  it('stops at an envelope that grows beyond its size', async () => {
    const good = await makeSignature(descriptor)
    const endless = {
      [`GET /v2/app/blobs/${good.blob.digest}`]: { body: Buffer.concat([good.envelope, Buffer.alloc(1e6)]) },
    }
    const verdict = await checkAt(await serve({ bytes, descriptor }, [good], endless), policy, { registry })
    assert.equal(verdict.verdict, 'rejected')
  })

  for (const [spelling, spelled] of [
    ['small letters', (text: string) => text.toLowerCase()],
    ['capitals, as the specification shows them', (text: string) => text.toUpperCase()],
  ] as const)
    it(`holds a bounded amount of envelopes, those that claim an anchor first, in ${spelling}`, async () => {
      const size = 8 * 1024 * 1024
      const heap = Array.from({ length: 24 }, (_, i) => wrap(descriptor, Buffer.alloc(size, i), STRANGER, 'jws'))
      const spelt = async (): Promise<MadeSignature> => {
        const made = await makeSignature(descriptor)
        const text = VENDOR.chain.reduce((all, one) => all.replace(one.sha256, spelled(one.sha256)), String(made.bytes))
        return {
          ...made,
          bytes: Buffer.from(text),
          manifest: { ...made.manifest, digest: digestOf(Buffer.from(text)) },
        }
      }
      // Listed by digest: behind as much of the heap as is held, or it would be read anyway.
      let good = await spelt()
      while (heap.filter(({ manifest }) => manifest.digest < good.manifest.digest).length < 16) good = await spelt()
      const verdict = await checkAt(await serve({ bytes, descriptor }, [...heap, good]), policy, { registry })
      const asked = hostile?.seen().filter((line) => line.includes('/blobs/')).length ?? 0
      assert.ok(asked <= 17, `${asked} envelopes of 8 MiB were asked for`)
      // It is read before the heap.
      assert.equal(verdict.verdict, 'trusted')
    })

  it('refuses a heap of referrers after the list, before it asks for any', async () => {
    const listed = Array.from({ length: 10_000 }, (_, i) => ({
      mediaType: OCI_MANIFEST,
      digest: digestOf(Buffer.from(`${i}`)),
      size: 500,
    }))
    const ref = await serve({ bytes, descriptor }, [], {}, listed)
    await assert.rejects(checkAt(ref, policy, { registry }), fault('LIMIT_EXCEEDED'))
    const asked = hostile?.seen().filter((line) => line.includes('/manifests/sha256:'))
    assert.deepEqual(asked, [`GET /v2/app/manifests/${descriptor.digest}`])
  })

  it('calls a signature whose blob or manifest is missing at the registry failed, and goes on', async () => {
    const [good, gone, lost] = [
      await makeSignature(descriptor),
      await makeSignature(descriptor, { format: 'cose' }),
      await makeSignature(descriptor, { signer: STRANGER }),
    ]
    const over = {
      [`GET /v2/app/blobs/${gone.blob.digest}`]: { status: 404, body: errors('BLOB_UNKNOWN') },
      [`GET /v2/app/manifests/${lost.manifest.digest}`]: { status: 404, body: errors('MANIFEST_UNKNOWN') },
    }
    const ref = await serve({ bytes, descriptor }, [good, gone, lost], over)
    const verdict = await checkAt(ref, policy, { registry })
    const told = new Map(verdict.signatures.map((one) => [one.manifest, one.code]))
    assert.equal(verdict.verdict, 'trusted')
    assert.deepEqual(
      [told.get(gone.manifest.digest), told.get(lost.manifest.digest)],
      ['BLOB_MISSING', 'MANIFEST_MISSING'],
    )
  })

  it('gives no verdict when the registry fails: that is no fault of the signature', async () => {
    const good = await makeSignature(descriptor)
    for (const [status, code] of [
      [503, 'REGISTRY_FAULT'],
      [429, 'REGISTRY_LIMITED'],
      [403, 'REGISTRY_DENIED'],
    ] as const) {
      const over = { [`GET /v2/app/blobs/${good.blob.digest}`]: { status } }
      const ref = await serve({ bytes, descriptor }, [good], over)
      await assert.rejects(checkAt(ref, policy, { registry }), fault(code), String(status))
      await hostile?.close()
    }
    const list = { [`GET /v2/app/referrers/${descriptor.digest}`]: { status: 503 } }
    await assert.rejects(
      checkAt(await serve({ bytes, descriptor }, [good], list), policy, { registry }),
      fault('REGISTRY_FAULT'),
    )
  })

  it('ends when it is told to, without a verdict', async () => {
    const signatures = [await makeSignature(descriptor), await makeSignature(descriptor, { format: 'cose' })]
    const stop = new AbortController()
    const over = Object.fromEntries(
      signatures.map(({ blob, envelope }) => [
        `GET /v2/app/blobs/${blob.digest}`,
        () => {
          stop.abort()
          return { body: envelope }
        },
      ]),
    )
    const ref = await serve({ bytes, descriptor }, signatures, over)
    await assert.rejects(checkAt(ref, policy, { registry, signal: stop.signal }), fault('INTERRUPTED'))
  })
})
