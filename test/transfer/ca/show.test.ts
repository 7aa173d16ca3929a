import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Certificates, fault } from './certificates.ts'
import { hoursLater, NOW } from '../stage.ts'

describe('transfer/ca/show', function () {
  this.timeout(60_000)
  let ca: Certificates
  let vendor: string
  before(async () => {
    ca = new Certificates()
    vendor = ca.path('vendor')
    await ca.init({ dir: vendor })
    await ca.issue({ dir: vendor, commonName: 'Team', from: 'issuing', kind: 'ca', days: 10, scope: ['r.site/team/*'] })
  })
  after(() => ca.close())

  const fork = (): string => ca.fork(vendor)

  it('shows the tree from the roots down', async () => {
    const { certificates } = await ca.show(vendor)
    assert.deepEqual(
      certificates.map(({ name, depth, kind, purpose }) => [name, depth, kind, purpose]),
      [
        ['root', 0, 'root', 'signing'],
        ['issuing', 1, 'ca', 'signing'],
        ['signer', 2, 'signer', 'signing'],
        ['team', 2, 'ca', 'signing'],
        ['tsa-root', 0, 'root', 'timestamping'],
        ['tsa', 1, 'tsa', 'timestamping'],
      ],
    )
    const team = certificates.find(({ name }) => name === 'team')
    assert.deepEqual([team?.scope, team?.pathLength, team?.algorithm], [['r.site/team/*'], 0, 'ES256'])
    assert.ok(certificates.every(({ validity, keyHere }) => validity === 'valid' && keyHere))
  })

  it('says what ends first, and what has ended', async () => {
    const { ends } = await ca.show(vendor)
    assert.equal(ends.length, 6)
    assert.deepEqual(ends[0], { name: 'team', notAfter: '2026-06-11T12:00:00Z' })
    assert.deepEqual(
      ends.map(({ notAfter }) => notAfter),
      ends.map(({ notAfter }) => notAfter).toSorted(),
    )
    const of = async (now: Date): Promise<string | undefined> =>
      (await ca.show(vendor, now)).certificates.find(({ name }) => name === 'team')?.validity
    assert.equal(await of(hoursLater(240)), 'valid')
    assert.equal(await of(new Date(hoursLater(240).getTime() + 1000)), 'expired')
    assert.equal(await of(new Date(NOW.getTime() - 1000)), 'not yet valid')
  })

  it('refuses a folder of which it cannot tell what is there, as what it revoked would count as good', async () => {
    for (const name of ['issuing/delegation.json', 'issuing/revocations.json', 'issuing/lists', 'issuing/key.pem']) {
      const dir = fork()
      rmSync(join(dir, name), { recursive: true, force: true })
      symlinkSync(join(dir, name), join(dir, name))
      await assert.rejects(ca.show(dir), fault('FILE_UNREADABLE'), name)
    }
  })

  it('says where a key is missing', async () => {
    const dir = fork()
    rmSync(join(dir, 'root/key.pem'))
    const { certificates } = await ca.show(dir)
    assert.deepEqual(
      certificates.filter(({ keyHere }) => !keyHere).map(({ name }) => name),
      ['root'],
    )
  })

  it('shows a part that was handed over, under its issuer', async () => {
    const dir = ca.path('part')
    mkdirSync(dir)
    cpSync(join(vendor, 'team'), join(dir, 'team'), { recursive: true })
    const { certificates } = await ca.show(dir)
    assert.deepEqual(
      certificates.map(({ name, depth, issuedBy }) => [name, depth, issuedBy]),
      [['team', 0, 'CN=Acme issuing,O=Acme,ST=Bern,C=CH']],
    )
  })

  it('passes over files, other folders, hidden ones and links', async () => {
    const dir = fork()
    writeFileSync(join(dir, 'notes.txt'), 'x')
    mkdirSync(join(dir, 'papers'))
    renameSync(join(dir, 'signer'), join(dir, '.signer.new'))
    symlinkSync(join(vendor, 'signer'), join(dir, 'linked'))
    const { certificates } = await ca.show(dir)
    assert.deepEqual(
      certificates.map(({ name }) => name),
      ['root', 'issuing', 'team', 'tsa-root', 'tsa'],
    )
  })

  const damages: Readonly<Record<string, (dir: string) => void>> = {
    'no such folder': (dir) => rmSync(dir, { recursive: true }),
    'an empty folder': (dir) => {
      rmSync(dir, { recursive: true })
      mkdirSync(dir)
    },
    "another's chain": (dir) => cpSync(join(dir, 'root/chain.crt'), join(dir, 'team/chain.crt')),
    'a chain without its root': (dir) => {
      const pem = readFileSync(join(dir, 'team/chain.crt'), 'utf8')
      writeFileSync(join(dir, 'team/chain.crt'), pem.slice(0, pem.lastIndexOf('-----BEGIN')))
    },
    'a chain with a stranger in it': (dir) => {
      const [chain, other] = ['team', 'tsa'].map((name) => readFileSync(join(dir, name, 'chain.crt'), 'utf8'))
      writeFileSync(join(dir, 'team/chain.crt'), `${chain}${other}`)
    },
    'a chain that is none': (dir) => writeFileSync(join(dir, 'team/chain.crt'), 'junk'),
    'a chain without end': (dir) => writeFileSync(join(dir, 'team/chain.crt'), Buffer.alloc(2 << 20, '\n')),
    "another's record": (dir) => cpSync(join(dir, 'signer/delegation.json'), join(dir, 'team/delegation.json')),
    'a record without end': (dir) => writeFileSync(join(dir, 'team/delegation.json'), Buffer.alloc(1 << 20, ' ')),
  }
  for (const [what, damage] of Object.entries(damages))
    it(`refuses ${what}`, async () => {
      const dir = fork()
      damage(dir)
      await assert.rejects(ca.show(dir), fault('CA_MALFORMED'))
    })

  for (const name of ['chain.crt', 'delegation.json', 'revocations.json'])
    it(`waits for no pipe in the place of ${name}`, async () => {
      const dir = fork()
      const file = join(dir, 'team', name)
      rmSync(file, { force: true })
      execFileSync('mkfifo', [file])
      await assert.rejects(ca.show(dir), fault('FILE_UNREADABLE'))
    })
})
