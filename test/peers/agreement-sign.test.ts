/** What the verb `sign` leaves in layouts and registries, judged by notation, beside what notation leaves there. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localSigner, parseCertificates, type Signer } from '../../src/signature/index.ts'
import { check, sign } from '../../src/transfer/index.ts'
import { FORMATS } from './agreement/case.ts'
import { World } from './agreement/world.ts'
import { MEDIA_TYPES, NotationJudge, type Place } from './notation.ts'
import { type Issued, KEY_KINDS } from './setup/certificates.ts'
import { peer, type Registry, startRegistry } from './setup/registry.ts'

function signerOf({ key, chain }: Issued): Signer {
  return localSigner(createPrivateKey(readFileSync(key)), parseCertificates(readFileSync(chain)))
}

/** An artifact that lies somewhere: how we name it, how notation does, and how it is reached. */
interface Lying {
  readonly ref: string
  readonly place: Place & { readonly reference: string }
  readonly access: Parameters<typeof sign>[0]['registry']
  readonly scope: string
  readonly configDir: string
}

describe('peers/agreement-sign', function () {
  let folder: string
  let world: World
  let registry: Registry
  let count = 0

  before(async function () {
    const judge = NotationJudge.start(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-agreement-sign-'))
    world = new World(folder, judge)
    registry = await startRegistry({ auth: 'htpasswd' })
  })
  after(async () => {
    await registry?.stop()
    await world?.stop()
    world?.judge.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  const PLACES = {
    async 'a layout'(): Promise<Lying> {
      const { layout, target } = world.artifact()
      const { scope, configDir } = await world.situation(layout, target)
      const place = { layout: layout.folder, reference: `${scope}@${target.digest}` }
      return { ref: `oci:${layout.folder}@${target.digest}`, place, access: {}, scope, configDir }
    },
    async 'a registry'(): Promise<Lying> {
      const { layout, target } = world.artifact()
      count += 1
      const scope = `${registry.host}/port/cargo-${count}`
      const { configDir } = await world.situation(layout, target, { statements: [{ scopes: [scope] }] })
      const from = ['--from-oci-layout', `${layout.folder}@${target.digest}`]
      await peer('oras', ['cp', '--to-plain-http', ...from, `${scope}:1`], { env: registry.env })
      const { username = '', password = '' } = registry
      const credentials = { entries: [{ key: registry.host, username, password }], helpers: {} }
      const ref = `${scope}@${target.digest}`
      const place = { repository: scope, username, password, reference: ref }
      return { ref, place, access: { plainHttp: true, credentials }, scope, configDir }
    },
  }

  async function signHere(
    lying: Lying,
    format: 'jws' | 'cose',
    by: Issued,
    more: Partial<Parameters<typeof sign>[0]> = {},
  ) {
    const { ref, access } = lying
    return sign({ ref, registry: access, signer: signerOf(by), format, form: 'legacy', metadata: {}, ...more })
  }

  async function ours({ ref, access, scope, configDir }: Lying) {
    return check({ ref, registry: access, policy: configDir, scope })
  }

  for (const [name, lay] of Object.entries(PLACES)) {
    for (const format of FORMATS) {
      for (const kind of KEY_KINDS) {
        it(`is believed by notation in ${name}, as ${format} by ${kind}, beside its own`, async () => {
          const lying = await lay()
          const by = await world.leaf(kind)
          await signHere(lying, format, by)
          const theirs = await world.judge.verify({ ...lying.place, configDir: lying.configDir })
          assert.ok(theirs.ok, theirs.error ?? '')
          const { key, chain } = by
          const signed = await world.judge.sign({ ...lying.place, key, chain, mediaType: MEDIA_TYPES[format] })
          assert.ok(signed.ok, signed.error ?? '')
          const report = await ours(lying)
          assert.deepEqual(
            report.signatures.map(({ verdict }) => verdict),
            ['trusted', 'trusted'],
          )
        })
      }
    }

    it(`carries a timestamp, an expiry and user metadata that notation reads in ${name}`, async () => {
      const lying = await lay()
      const authority = await world.authority()
      await signHere(lying, 'cose', await world.leaf('p384'), {
        validDays: 2,
        metadata: { 'com.example.build': '7' },
        timestamp: (signature) => authority.token(signature, 'sha384'),
      })
      const { layout, target } = world.artifact()
      const { configDir } = await world.situation(layout, target, await world.stampTrust())
      const asked = { ...lying.place, configDir }
      const right = await world.judge.verify({ ...asked, userMetadata: { 'com.example.build': '7' } })
      assert.ok(right.ok, right.error ?? '')
      assert.equal((await world.judge.verify({ ...asked, userMetadata: { 'com.example.build': '8' } })).ok, false)
    })

    it(`is not believed by notation in ${name} when a stranger signed`, async () => {
      const lying = await lay()
      await signHere(lying, 'jws', await world.maker.issue({ issuer: await world.stranger() }))
      assert.equal((await world.judge.verify({ ...lying.place, configDir: lying.configDir })).ok, false)
      const report = await ours(lying)
      assert.deepEqual([report.verdict, report.code], ['rejected', 'SIGNER_UNTRUSTED'])
    })
  }

  it('is found by notation in a registry in the newer form too', async () => {
    const lying = await PLACES['a registry']()
    await signHere(lying, 'cose', await world.leaf('p256'), { form: 'artifactType' })
    const theirs = await world.judge.verify({ ...lying.place, configDir: lying.configDir })
    assert.ok(theirs.ok, theirs.error ?? '')
  })
})
