/**
 * Scenario #12: the site believes a root, and finds the signer by two delegations below it; who delegated to whom rides
 * along, to be read. The twin: the last delegate has delegated further, which nobody allowed him to.
 */
import assert from 'node:assert/strict'
import { NotationJudge, PAYLOAD_TYPE } from '../peers/notation.ts'
import { pemBlocks } from '../peers/setup/certificates.ts'
import { SIGNATURE } from './contents.ts'
import { inRegistry, wordOf, type Side } from './side.ts'
import { FAR, Stage } from './stage.ts'

const IMAGE = `${FAR}/team-a/web`
const ROGUE = `${FAR}/team-a/rogue`

describe('scenarios/#12: chaining from a trusted key', function () {
  this.timeout(60_000)
  let stage: Stage
  let judge: NotationJudge
  let digest: string
  let rogue: string
  let team: string
  let signer: string

  before(async function () {
    stage = Stage.raise(this)
    judge = NotationJudge.start(this)
    const { near, far } = stage
    const acme = await near.house('acme', 'ACME Rockets', { preset: 'vendor' })
    team = await near.issue(acme, 'Team A', 'issuing', 'ca')
    signer = await near.issue(acme, 'Team A CI', team)
    const registry = await near.hands.registry()
    const image = `${registry}/team-a/web`
    digest = await near.image(`${image}:1.0`)
    await near.sign(`${image}:1.0`, acme, { with: signer })
    rogue = await near.image(`${registry}/team-a/rogue:1.0`, 'busybox-amd64')
    await near.attach(
      `${registry}/team-a/rogue@${rogue}`,
      SIGNATURE,
      await rogueEnvelope(near, `${registry}/team-a/rogue@${rogue}`),
      'application/jose+json',
    )
    near.write('plan.yaml', `channel: acme\nartifacts: [{ref: "${image}:1.0"}]\ntrust: {delegations: [acme]}\n`)
    const fingerprint = await stage.channel('acme')
    await stage.pack('cargo.tar', '-f', 'plan.yaml')
    await stage.pack('rogue.tar', `${registry}/team-a/rogue:1.0`)
    await stage.cross(registry, 'cargo.tar', 'rogue.tar', 'keys/root.json', acme.anchor.file)
    await stage.found('acme', fingerprint)
    await far.believe('policy', acme, { scopes: [IMAGE, ROGUE] })
  })
  after(async () => {
    judge?.stop()
    await stage?.lower()
  })

  /** Signed below a further authority that the team has made for itself, with tools that do not ask. */
  async function rogueEnvelope(near: Side, reference: string): Promise<Buffer> {
    const make = async (name: string, issuer: string, key: string, ...extensions: string[]): Promise<void> => {
      const subject = ['-subj', `/C=US/ST=WA/O=ACME Rockets/CN=${name}`]
      const curve = '-newkey ec -pkeyopt ec_paramgen_curve:P-384 -noenc'
      await near.tool('openssl', `req -new ${curve} -keyout ${name}.key -out ${name}.csr`, ...subject)
      near.write(`${name}.ext`, extensions.join('\n'))
      const by = `-CA ${issuer} -CAkey ${key} -passin file:passphrase -sha384 -days 30`
      await near.tool('openssl', `x509 -req -in ${name}.csr -out ${name}.crt -extfile ${name}.ext ${by}`)
    }
    const authority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']
    await make('rogue', `acme/${team}/certificate.crt`, `acme/${team}/key.pem`, ...authority)
    await make('intern', 'rogue.crt', 'rogue.key', 'basicConstraints=CA:FALSE', 'keyUsage=critical,digitalSignature')
    const files = ['intern.crt', 'rogue.crt', `acme/${team}/chain.crt`]
    const chain = files.flatMap((file) => pemBlocks(near.path(file)))
    assert.equal(chain.length, 5)

    const target: { mediaType: string; digest: string; size: number } = JSON.parse(
      await near.tool('oras', `manifest fetch --plain-http --descriptor ${reference}`),
    )
    const header = {
      alg: 'ES384',
      crit: ['io.cncf.notary.signingScheme'],
      cty: PAYLOAD_TYPE,
      'io.cncf.notary.signingScheme': 'notary.x509',
      'io.cncf.notary.signingTime': `${new Date().toISOString().slice(0, 19)}Z`,
    }
    return judge.craft({
      mediaType: 'application/jose+json',
      key: near.path('intern.key'),
      chain,
      protected: Buffer.from(JSON.stringify(header)),
      payload: Buffer.from(JSON.stringify({ targetArtifact: target })),
      hash: 'sha384',
    })
  }

  it('takes what a delegate of a delegate has signed, from the root alone', async () => {
    const { far } = stage
    const { trust } = await far.done('inspect cargo.tar --trust')
    const { certificates } = trust as { certificates: { subject: string; depth: number; signs: string[] }[] }
    const tree = certificates.map(({ subject, depth, signs }) => [depth, subject.split(',')[0], signs.join()])
    assert.deepEqual(tree.slice(0, 5), [
      [0, 'CN=ACME Rockets root', ''],
      [1, 'CN=ACME Rockets issuing', ''],
      [2, 'CN=ACME Rockets signer', ''],
      [2, 'CN=Team A', ''],
      [3, 'CN=Team A CI', 'signing'],
    ])
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    const { signatures } = await far.done(`check ${IMAGE}:1.0 --policy policy`)
    const [{ thumbprints }] = signatures as [{ thumbprints: string[] }]
    assert.equal(thumbprints.length, 4)
    const place = { ...inRegistry(IMAGE, digest), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })

  it('refuses what a delegate signed who was delegated to without leave: CHAIN_INVALID', async () => {
    const { far } = stage
    await far.refused(12, 'CHAIN_INVALID', `import rogue.tar --to ${FAR} --state state --policy policy`)
    await far.done(`import rogue.tar --to ${FAR} --state state --channel-only`)
    const place = { ...inRegistry(ROGUE, rogue), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'integrity')
  })
})
