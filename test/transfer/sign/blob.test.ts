/** Plain files: signed into a file beside them, and judged by trustpolicy.blob.json. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { FIXTURE_PASSPHRASE, fixtureKeyFile, fixtureSigner } from '../../../fixtures/chains/build.ts'
import { REPORTS } from '../../../bundles/report-schemas.ts'
import { KEY_ALGORITHMS } from '../../../src/ca/index.ts'
import { hashFor, sealEnvelope, targetPayload } from '../../../src/signature/index.ts'
import {
  checkBlob,
  denyAtSite,
  openPluginSigner,
  signBlob,
  type CheckBlobOptions,
  type RunEvent,
  type SignBlobOptions,
} from '../../../src/transfer/index.ts'
import { documentIn, sallyport } from '../../cli/program.ts'
import { PluginFolder } from '../../signature/plugin-fixture.ts'
import { pemOf, policyFolder, policyText, rootOf, signerWith, statement, STRANGER, VENDOR } from '../policies.ts'
import { NOW, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

const FILE_POLICY = 'trustpolicy.blob.json'
const forFiles = (over: Record<string, unknown> = {}): object => statement({ registryScopes: undefined, ...over })

describe('transfer/sign/blob', function () {
  this.timeout(60_000)
  let stage: Stage
  let policy: string

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'), {
      [FILE_POLICY]: policyText(
        forFiles({ globalPolicy: true }),
        forFiles({ name: 'other', trustStores: ['ca:other'] }),
      ),
      'truststore/x509/ca/other/root.crt': pemOf(rootOf(STRANGER)),
    })
  })

  after(() => stage?.close())

  /** A file in a folder of its own; larger than what is read at once. */
  function fileOf(content: Uint8Array | string = Buffer.alloc(2_500_000, 'plain content ')): string {
    const dir = stage.path('files')
    mkdirSync(dir)
    writeFileSync(join(dir, 'tool.bin'), content)
    return join(dir, 'tool.bin')
  }

  const signIt = (file: string, over: Partial<SignBlobOptions> = {}): ReturnType<typeof signBlob> =>
    signBlob({ file, signer: VENDOR, format: 'jws', metadata: {}, now: NOW, ...over })
  const checkIt = (file: string, over: Partial<CheckBlobOptions> = {}): ReturnType<typeof checkBlob> =>
    checkBlob({ file, signature: `${file}.jws.sig`, policy, now: NOW, ...over })
  const verdictOf = async (file: string, over: Partial<CheckBlobOptions> = {}): Promise<unknown[]> => {
    const { verdict, code } = await checkIt(file, over)
    return [verdict, code]
  }

  for (const algorithm of KEY_ALGORITHMS)
    it(`signs and judges a file with a key for ${algorithm}, by its hash, in both formats`, async () => {
      const signer = signerWith(algorithm)
      const own = policyFolder(stage.path('policy'), {
        [FILE_POLICY]: policyText(forFiles({ globalPolicy: true })),
        'truststore/x509/ca/vendor/root.crt': pemOf(rootOf(signer)),
      })
      const file = fileOf()
      const hash = hashFor(signer.algorithm)
      const digest = `${hash}:${createHash(hash).update(readFileSync(file)).digest('hex')}`
      for (const format of ['jws', 'cose'] as const) {
        const made = await signIt(file, { signer, format })
        assert.deepEqual([made.output, made.digest, made.size], [`${file}.${format}.sig`, digest, 2_500_000])
        const verdict = await checkIt(file, { signature: made.output, policy: own })
        assert.deepEqual(
          [verdict.verdict, verdict.digest, verdict.size, verdict.signatures[0]?.manifest],
          ['trusted', digest, 2_500_000, made.signature],
        )
        assert.deepEqual([verdict.signatures[0]?.algorithm, verdict.signatures[0]?.format], [algorithm, format])
      }
      assert.equal(readdirSync(join(file, '..')).length, 3)
    })

  it('takes no file but the one that was signed', async () => {
    const file = fileOf()
    await signIt(file)
    const signature = `${file}.jws.sig`
    assert.deepEqual(await verdictOf(fileOf('another'), { signature }), ['rejected', 'TARGET_MISMATCH'])
    const bytes = readFileSync(file)
    const flipped = Buffer.from(bytes)
    flipped[2_400_000] = (flipped[2_400_000] ?? 0) ^ 1
    for (const wrong of [flipped, bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)]), Buffer.alloc(0)])
      assert.deepEqual(await verdictOf(fileOf(wrong), { signature }), ['rejected', 'TARGET_MISMATCH'])
    const empty = fileOf('')
    await signIt(empty)
    assert.deepEqual(await verdictOf(empty), ['trusted', undefined])
  })

  for (const algorithm of ['ES256', 'ES384', 'ES512'] as const)
    for (const hash of ['sha256', 'sha512'] as const)
      it(`finds a denial by ${hash} of what was signed with ${algorithm}, and reads the file once`, async () => {
        const signer = signerWith(algorithm)
        const own = policyFolder(stage.path('policy'), {
          [FILE_POLICY]: policyText(forFiles({ globalPolicy: true })),
          'truststore/x509/ca/vendor/root.crt': pemOf(rootOf(signer)),
        })
        const file = fileOf()
        await signIt(file, { signer })
        const state = await stage.site()
        const deny = (content: Uint8Array): Promise<unknown> => {
          const artifact = `${hash}:${createHash(hash).update(content).digest('hex')}`
          return denyAtSite({ state, artifact, reason: 'a backdoor', now: NOW })
        }
        await deny(Buffer.from('another file'))
        assert.deepEqual(await verdictOf(file, { policy: own, state }), ['trusted', undefined])
        await deny(readFileSync(file))
        let total = 0
        const onEvent = (event: RunEvent): void => void (total += event.type === 'bytes' ? event.count : 0)
        assert.deepEqual(await verdictOf(file, { policy: own, state, onEvent }), ['rejected', 'ARTIFACT_DENIED'])
        assert.equal(total, 2_500_000)
      })

  it('refuses a payload of another size, or with a digest by another hash than the key has', async () => {
    const file = fileOf('content')
    const mediaType = 'text/plain'
    const by = (hash: string): string => createHash(hash).update('content').digest('hex')
    for (const [target, code] of [
      [{ mediaType, digest: `sha384:${by('sha384')}`, size: 7 }, undefined],
      [{ mediaType, digest: `sha384:${by('sha384')}`, size: 8 }, 'TARGET_MISMATCH'],
      [{ mediaType, digest: `sha256:${by('sha256')}`, size: 7 }, 'TARGET_MISMATCH'],
      [{ mediaType, digest: `sha512:${by('sha512')}`, size: 7 }, 'TARGET_MISMATCH'],
    ] as const) {
      const payload = targetPayload(target)
      const bytes = await sealEnvelope({ format: 'jws', payload, signer: VENDOR, signingTime: NOW })
      writeFileSync(`${file}.jws.sig`, bytes)
      assert.equal((await checkIt(file)).code, code, JSON.stringify(target))
    }
  })

  it('compares the media type only when one is named', async () => {
    const file = fileOf()
    assert.equal((await signIt(file)).mediaType, 'application/octet-stream')
    const typed = fileOf()
    await signIt(typed, { mediaType: 'application/gzip' })
    assert.deepEqual(await verdictOf(typed), ['trusted', undefined])
    assert.deepEqual(await verdictOf(typed, { mediaType: 'application/gzip' }), ['trusted', undefined])
    assert.deepEqual(await verdictOf(file, { mediaType: 'application/gzip' }), ['rejected', 'TARGET_MISMATCH'])
    const plain = fileOf()
    const mediaType = 'text/plain; charset=utf-8'
    assert.equal((await signIt(plain, { mediaType })).mediaType, mediaType)
    assert.deepEqual(await verdictOf(plain, { mediaType }), ['trusted', undefined])
    // As notation: byte by byte, so that two readers never differ.
    for (const other of ['text/plain', 'text/plain;charset=utf-8', 'text/plain; charset=UTF-8'])
      assert.deepEqual(await verdictOf(plain, { mediaType: other }), ['rejected', 'TARGET_MISMATCH'])
    for (const mediaType of ['', 'text', 'text/plain; charset', 'text; a=1', 'a/b; c=1; c=2', 'a/b\n']) {
      await assert.rejects(signIt(fileOf(), { mediaType }), fault('USAGE'))
      await assert.rejects(checkIt(typed, { mediaType }), fault('USAGE'))
    }
  })

  it('goes by the global statement, the one named, or none, and never by a policy for artifacts', async () => {
    const file = fileOf()
    await signIt(file)
    assert.deepEqual(await verdictOf(file, { statement: 'vendor' }), ['trusted', undefined])
    assert.deepEqual(await verdictOf(file, { statement: 'other' }), ['rejected', 'SIGNER_UNTRUSTED'])
    assert.deepEqual(await verdictOf(file, { statement: 'none' }), ['rejected', 'POLICY_MISSING'])
    const artifacts = policyFolder(stage.path('policy'))
    assert.deepEqual(await verdictOf(file, { policy: artifacts }), ['rejected', 'POLICY_MISSING'])
    const named = policyFolder(stage.path('policy'), { [FILE_POLICY]: policyText(forFiles()) })
    assert.deepEqual(await verdictOf(file, { policy: named }), ['rejected', 'POLICY_MISSING'])
    assert.deepEqual(await verdictOf(file, { policy: named, statement: 'vendor' }), ['trusted', undefined])
  })

  it('judges an envelope that is none, of the other kind, or whose signature is changed', async () => {
    const file = fileOf()
    await signIt(file)
    await signIt(file, { format: 'cose' })
    const verdict = async (bytes: Uint8Array): Promise<unknown> => {
      writeFileSync(`${file}.bad.jws.sig`, bytes)
      const { verdict: given, code } = await checkIt(file, { signature: `${file}.bad.jws.sig` })
      assert.equal(given, 'rejected')
      return code
    }
    assert.equal(await verdict(Buffer.alloc(0)), 'ENVELOPE_MALFORMED')
    assert.equal(await verdict(readFileSync(`${file}.cose.sig`)), 'ENVELOPE_MALFORMED')
    const { signature, ...rest } = JSON.parse(readFileSync(`${file}.jws.sig`, 'utf8')) as Record<string, string>
    const bytes = Buffer.from(signature ?? '', 'base64url')
    bytes[5] = (bytes[5] ?? 0) ^ 1
    assert.equal(
      await verdict(Buffer.from(JSON.stringify({ ...rest, signature: bytes.toString('base64url') }))),
      'ENVELOPE_SIGNATURE',
    )
  })

  it('overwrites nothing, and leaves nothing when it fails', async () => {
    const file = fileOf()
    await signIt(file)
    const before = tree(join(file, '..'))
    await assert.rejects(signIt(file), fault('OUTPUT_EXISTS'))
    await assert.rejects(signIt(file, { dryRun: true }), fault('OUTPUT_EXISTS'))
    for (const output of [`${file}.sig`, `${file}.cose.sig`, '-'])
      await assert.rejects(signIt(file, { output }), fault('USAGE'))
    await assert.rejects(signIt(file, { output: join(file, '..', 'gone', 'x.jws.sig') }), fault('OUTPUT_FAILED'))
    await assert.rejects(signIt(file, { format: 'cose', metadata: { 'io.cncf.notary.x': 'y' } }), fault('USAGE'))
    const broken = { ...VENDOR, sign: (): Promise<Buffer> => Promise.reject(new Error('the device is gone')) }
    await assert.rejects(signIt(file, { format: 'cose', signer: broken }), /device/)
    const dry = await signIt(file, { format: 'cose', dryRun: true })
    assert.deepEqual([dry.signature, dry.dryRun], [null, true])
    assert.deepEqual(tree(join(file, '..')), before)
    // A link that leads nowhere would otherwise choose where the signature goes.
    symlinkSync(stage.path('elsewhere'), `${file}.cose.sig`)
    await assert.rejects(signIt(file, { format: 'cose' }), fault('OUTPUT_EXISTS'))
    const output = join(stage.dir, `named-${basename(stage.path('x'))}.cose.sig`)
    assert.equal((await signIt(file, { format: 'cose', output })).output, output)
    assert.deepEqual(await verdictOf(file, { signature: output }), ['trusted', undefined])
  })

  it('refuses an envelope that appears while it signs', async () => {
    const file = fileOf()
    const slow = {
      ...VENDOR,
      sign: (bytes: Uint8Array): Promise<Buffer> => {
        writeFileSync(`${file}.jws.sig`, "somebody else's")
        return VENDOR.sign(bytes)
      },
    }
    await assert.rejects(signIt(file, { signer: slow }), fault('OUTPUT_EXISTS'))
    assert.equal(readFileSync(`${file}.jws.sig`, 'utf8'), "somebody else's")
    assert.equal(readdirSync(join(file, '..')).length, 2)
  })

  it('reads regular files alone, follows links, and no signature file over 32 MiB', async () => {
    const file = fileOf()
    await signIt(file)
    const link = join(file, '..', 'link.jws.sig')
    symlinkSync(`${file}.jws.sig`, link)
    assert.deepEqual(await verdictOf(file, { signature: link }), ['trusted', undefined])
    const fifo = join(file, '..', 'fifo.jws.sig')
    execFileSync('mkfifo', [fifo])
    await assert.rejects(checkIt(file, { signature: fifo }), fault('FILE_UNREADABLE'))
    await assert.rejects(checkIt(fifo, { signature: link }), fault('FILE_UNREADABLE'))
    await assert.rejects(signIt(fifo), fault('FILE_UNREADABLE'))
    await assert.rejects(signIt(join(file, '..')), fault('FILE_UNREADABLE'))
    await assert.rejects(checkIt(`${file}.gone`, { signature: link }), fault('FILE_UNREADABLE'))
    await assert.rejects(checkIt(file, { signature: `${file}.gone.jws.sig` }), fault('FILE_UNREADABLE'))
    const large = join(file, '..', 'large.jws.sig')
    writeFileSync(large, '')
    truncateSync(large, 32 * 1024 * 1024 + 1)
    await assert.rejects(checkIt(file, { signature: large }), fault('LIMIT_EXCEEDED'))
    truncateSync(large, 32 * 1024 * 1024)
    assert.deepEqual(await verdictOf(file, { signature: large }), ['rejected', 'ENVELOPE_MALFORMED'])
    // Notation writes .jws.sig; the specification says .sig.jws.
    copyFileSync(link, `${file}.sig.jws`)
    assert.deepEqual(await verdictOf(file, { signature: `${file}.sig.jws` }), ['trusted', undefined])
    copyFileSync(link, `${file}.sig.cose`)
    assert.deepEqual(await verdictOf(file, { signature: `${file}.sig.cose` }), ['rejected', 'ENVELOPE_MALFORMED'])
    copyFileSync(link, join(file, '..', 'odd.sig'))
    await assert.rejects(checkIt(file, { signature: join(file, '..', 'odd.sig') }), fault('USAGE'))
  })

  it('signs and judges no file that changes while it is read, and stops when it is told to', async () => {
    const file = fileOf()
    await signIt(file)
    const onEvent = ({ type }: { type: string }): void => {
      if (type === 'total') appendFileSync(file, 'more')
    }
    await assert.rejects(checkIt(file, { onEvent }), fault('FILE_UNREADABLE'))
    await assert.rejects(signIt(file, { onEvent, format: 'cose' }), fault('FILE_UNREADABLE'))
    await assert.rejects(checkIt(file, { signal: AbortSignal.abort() }), fault('INTERRUPTED'))
    await assert.rejects(signIt(file, { signal: AbortSignal.abort(), format: 'cose' }), fault('INTERRUPTED'))
    assert.equal(readdirSync(join(file, '..')).length, 2)
  })

  it('signs by a device that makes whole envelopes, whose key says the hash', async () => {
    const plugins = new PluginFolder()
    try {
      const { folder, environment } = plugins
      const lie = JSON.stringify({ capabilities: ['SIGNATURE_GENERATOR.ENVELOPE'] })
      const config = plugins.config(
        { ...VENDOR, key: fixtureSigner('ES384').key, chain: [...VENDOR.chain] },
        { lie, on: 'get-plugin-metadata' },
      )
      const terms = { name: 'file-key', keyId: 'slot 1', folder, environment, config }
      const file = fileOf()
      const signer = await openPluginSigner(terms)
      const now = new Date()
      const { algorithm, digest } = await signIt(file, { signer, now })
      assert.deepEqual([algorithm, digest.slice(0, 7)], ['ES384', 'sha384:'])
      assert.deepEqual(await verdictOf(file, { now }), ['trusted', undefined])
      // By the clock of the device, which is what verifiers see.
      const hour = { now: new Date(now.getTime() + 50 * 60_000), validDays: 1, output: `${file}.c.jws.sig` }
      const { signingTime, expiry } = await signIt(file, { signer, ...hour })
      assert.ok(Date.parse(signingTime) - now.getTime() < 25 * 60_000)
      assert.equal(Date.parse(expiry ?? '') - Date.parse(signingTime), 86_400_000)
      const late = { now: new Date(now.getTime() - 62 * 60_000), output: `${file}.d.jws.sig` }
      await assert.rejects(signIt(file, { signer, ...late }), fault('PLUGIN_FAILED'))
      const other = { ...signer, algorithm: async () => 'ES256' as const }
      assert.ok('envelope' in other)
      await assert.rejects(signIt(file, { signer: other, now, output: `${file}.b.jws.sig` }), fault('PLUGIN_FAILED'))
    } finally {
      plugins.remove()
    }
  })

  it('works at the command line, and refuses options of the other kind', async () => {
    const dir = stage.path('keys')
    mkdirSync(dir)
    const { key, chain, passphrase } = {
      key: join(dir, 'key.pem'),
      chain: join(dir, 'chain.crt'),
      passphrase: join(dir, 'pw'),
    }
    const holder = fixtureSigner('ES384')
    writeFileSync(key, fixtureKeyFile(holder.key, holder.commonName))
    writeFileSync(chain, pemOf(...VENDOR.chain))
    writeFileSync(passphrase, FIXTURE_PASSPHRASE)
    const file = fileOf()
    const signing = ['sign', file, '--key', key, '--chain', chain, '--passphrase-file', passphrase]
    const checking = ['check', file, '--policy', policy]
    const signed = documentIn((await sallyport([...signing, '--blob', '--json'])).stdout)
    assert.deepEqual([signed.exit, signed.report['output']], [0, `${file}.jws.sig`])
    REPORTS.sign.parse(signed.report)
    const text = await sallyport([...checking, '--blob', '--signature', `${file}.jws.sig`])
    assert.deepEqual([text.status, text.stdout.startsWith(`TRUSTED  ${file} sha384:`)], [0, true], text.stderr)
    appendFileSync(file, 'x')
    const changed = await sallyport([...checking, '--blob', '--signature', `${file}.jws.sig`, '--json'])
    assert.deepEqual([changed.status, documentIn(changed.stdout).ok], [12, false])
    REPORTS.check.parse(documentIn(changed.stdout).report)
    for (const args of [
      [...signing, '--blob', '--origin'],
      [...signing, '--blob', '--form', 'legacy'],
      [...signing, '--media-type', 'a/b'],
      [...signing, '-o', 'x.jws.sig'],
      [...checking, '--blob'],
      [...checking, '--signature', 'x.jws.sig'],
      [...checking, '--statement', 'vendor'],
      [...checking, '--media-type', 'a/b'],
      [...checking, '--blob', '--signature', `${file}.jws.sig`, '--scope', 'a.b/c'],
    ]) {
      const { status, stdout } = await sallyport([...args, '--json'])
      assert.deepEqual([status, documentIn(stdout).error.code], [2, 'USAGE'], args.join(' '))
    }
  })
})
