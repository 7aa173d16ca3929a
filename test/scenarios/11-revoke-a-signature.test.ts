/**
 * Scenario #11: one signature was a mistake, the key is sound. The denial names artifact and signer, so that what else the
 * signer signed stays trusted. The twins: the same signature in another manifest, with another unsigned header, with the other
 * of the two values of s, and one more by the same key in the other format. Stock notation, which knows of no denials, takes
 * each of the four for genuine.
 */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { judgedArtifacts } from './rejudged.ts'
import { SIGNATURE } from './contents.ts'
import { inRegistry, wordOf, type House, type Side } from './side.ts'
import { FAR, REVOCATION, Stage } from './stage.ts'

const APP = `${FAR}/acme/app`
const DB = `${FAR}/acme/db`
const JWS = 'application/jose+json'
/** The order of P-384. */
const ORDER = BigInt(
  '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
)

interface Envelope {
  payload: string
  protected: string
  header: Record<string, unknown>
  signature: string
}

/** Each changes what nobody signed, and leaves the signature good. */
const WRAPPINGS: Record<string, (envelope: Envelope) => Envelope> = {
  manifest: (envelope) => envelope,
  header: (envelope) => ({
    ...envelope,
    header: { ...envelope.header, 'io.cncf.notary.signingAgent': 'another agent/1.0' },
  }),
  's-value': (envelope) => {
    const bytes = Buffer.from(envelope.signature, 'base64url')
    const s = ORDER - BigInt(`0x${bytes.subarray(48).toString('hex')}`)
    const other = Buffer.concat([bytes.subarray(0, 48), Buffer.from(s.toString(16).padStart(96, '0'), 'hex')])
    return { ...envelope, signature: other.toString('base64url') }
  },
}

const TWINS = [...Object.keys(WRAPPINGS), 'format']

describe('scenarios/#11: revoke a signature, not the key', function () {
  this.timeout(120_000)
  let stage: Stage
  let acme: House
  let app: string
  let db: string
  const signatures = new Set<string>()

  before(async function () {
    stage = Stage.raise(this, { deletes: true })
    const { near, far } = stage
    acme = await near.house('acme-build', 'ACME Rockets')
    const second = await near.house('acme-release', 'ACME Rockets Release')
    const registry = await near.hands.registry()
    const at = (name: string): string => `${registry}/acme/${name}`
    const content = await stage.channel('acme')
    const lists = await stage.channel('acme-lists', REVOCATION)
    app = await near.image(`${at('app')}:1.0`)
    db = await near.image(`${at('db')}:1.0`, 'busybox-amd64')
    const signature = await near.sign(`${at('app')}:1.0`, acme)
    await near.sign(`${at('db')}:1.0`, acme)
    await stage.pack('june.tar', `${at('app')}:1.0`, `${at('db')}:1.0`)
    const envelope = await envelopeIn(near, at('app'), signature)
    signatures.add(signature)
    for (const name of TWINS) {
      await near.tool('crane', `copy ${at('app')}:1.0 ${at(name)}:1.0`)
      const wrapped = WRAPPINGS[name]?.(envelope)
      const twin =
        wrapped === undefined
          ? near.sign(`${at(name)}:1.0`, acme, { format: 'cose' })
          : near.attach(`${at(name)}@${app}`, SIGNATURE, JSON.stringify(wrapped), JWS)
      signatures.add(await twin)
      await stage.pack(`${name}.tar`, `${at(name)}:1.0`)
    }
    const { publicKey } = new X509Certificate(near.read('acme-build/signer/certificate.crt'))
    const signer = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex')
    await near.done(`revocation deny ${app} --signer ${signer} --keys rkeys --reason`, 'signed before the review')
    near.write('lists.yaml', `artifacts: [{ref: "${at('app')}:1.0"}]\nrevocation: {collect: none}\n`)
    await stage.collect('denials.tar', 'lists.yaml')
    await near.sign(`${at('app')}:1.0`, second)
    await stage.pack('july.tar', `${at('app')}:1.0`)
    const bundles = ['june.tar', 'denials.tar', ...TWINS.map((name) => `${name}.tar`), 'july.tar']
    const anchors = [acme.anchor.file, second.anchor.file]
    await stage.cross(registry, ...bundles, 'keys/root.json', 'rkeys/root.json', ...anchors)
    await stage.found('acme', content)
    await stage.pin('acme-lists', lists, REVOCATION)
    const scopes = [APP, DB, ...TWINS.map((name) => `${FAR}/acme/${name}`)]
    await far.believe('policy', acme, { scopes })
    await far.believe('later', acme, { scopes: [DB, ...scopes.slice(2)] })
    await far.believe('later', second, { scopes: [APP] })
    for (const folder of ['policy', 'later'])
      far.write(`${folder}/policy.yaml`, 'version: 1\nrevocation: {measure: remove}\n')
    await far.done(`import june.tar --to ${FAR} --state state --policy policy`)
  })
  after(() => stage?.lower())

  async function envelopeIn(near: Side, repository: string, signature: string): Promise<Envelope> {
    const manifest = JSON.parse(await near.tool('crane', `manifest ${repository}@${signature}`)) as {
      layers: { digest: string }[]
    }
    return JSON.parse(await near.tool('crane', `blob ${repository}@${manifest.layers[0]?.digest}`)) as Envelope
  }

  it('takes away what that signature let in, and leaves what else the key has signed', async () => {
    const { far } = stage
    const said = await far.refused(
      14,
      'SIGNATURE_DENIED',
      `import denials.tar --to ${FAR} --state state --policy policy`,
    )
    assert.deepEqual(judgedArtifacts(said), [['acme/app', app, 'rejected', 'done']])
    assert.equal(await far.pulls(`${APP}@${app}`), false)
    await far.done(`check ${DB}:1.0 --policy policy --state state`)
    assert.equal(await far.digest(`${DB}:1.0`), db)
    const place = { ...inRegistry(DB, db), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })

  for (const name of TWINS)
    it(`refuses the same signature with another ${name}: SIGNATURE_DENIED`, async () => {
      const { far } = stage
      assert.equal(signatures.size, 1 + TWINS.length)
      await far.refused(14, 'SIGNATURE_DENIED', `import ${name}.tar --to ${FAR} --state state --policy policy`)
      assert.equal(await far.pulls(`${FAR}/acme/${name}@${app}`), false)
      await far.done(`import ${name}.tar --to ${FAR} --state state --channel-only`)
      await far.refused(14, 'SIGNATURE_DENIED', `check ${FAR}/acme/${name}:1.0 --policy policy --state state`)
      const place = { ...inRegistry(`${FAR}/acme/${name}`, app), configDir: far.path('policy') }
      assert.equal(wordOf(await far.notation(place)), 'trusted')
    })

  it('takes the artifact once another key has signed it', async () => {
    const { far } = stage
    await far.done(`import july.tar --to ${FAR} --state state --policy later`)
    assert.equal(await far.digest(`${APP}:1.0`), app)
    await far.done(`check ${APP}:1.0 --policy later --state state`)
  })
})
