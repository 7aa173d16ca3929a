/** Lists and OCSP answers on their way into a bundle: fetched from a real authority's addresses, or taken from a folder. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { SallyportError } from '../../../src/errors/index.ts'
import { encodePem } from '../../../src/codec/index.ts'
import { type Code } from '../../../src/errors/index.ts'
import { timeText } from '../../../src/transfer/run/run.ts'
import { Authority } from '../../revocation/authority.ts'
import { at, freshest, lists, responders, RevocationWorld } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

describe('transfer/collect/collect', function () {
  this.timeout(60_000)
  let world: RevocationWorld
  let keys: string
  let ref: string

  before(async () => {
    world = await RevocationWorld.open()
    keys = await world.channel()
    ref = await world.signed()
  })
  beforeEach(() => {
    world.publish()
    world.server.asked.length = 0
  })
  after(() => world?.close())

  it('carries the list of each certificate and an answer of its responder, and says how each can be revoked', async () => {
    const { revocation, repositories } = await world.export(keys, [ref])
    assert.ok(revocation)
    assert.deepEqual(
      revocation.pieces.map(({ kind, url, issuer, number, serial }) => [kind, url, issuer, number ?? serial]).sort(),
      [
        ['answer', world.responderUrl, world.issuing.certificate.spkiSha256, world.leaf.serial],
        ['list', world.listUrl, world.issuing.certificate.spkiSha256, '16'],
        ['list', world.rootUrl, world.root.certificate.spkiSha256, '16'],
      ].sort(),
    )
    assert.deepEqual(
      revocation.certificates
        .map(({ subject, revocable, numbers, revoked, purposes }) => [
          subject.split(',')[0],
          revocable,
          numbers,
          revoked,
          purposes,
        ])
        .sort(),
      [
        ['CN=issuing', 'list', ['16'], null, ['signing']],
        ['CN=signer', 'both', ['16'], null, ['signing']],
      ].sort(),
    )
    assert.deepEqual([revocation.from, revocation.lacking, revocation.warnings], ['network', [], []])
    const own = repositories.find(({ name }) => name === 'local/sallyport/revocation/content-x')
    assert.equal(Object.keys(own?.tags ?? {}).length, 3)
    assert.deepEqual(world.server.seen().sort(), ['GET /ca.crl', 'GET /root.crl', 'POST /ocsp'])
  })

  it('asks for each address once, however many certificates name it', async () => {
    const other = await world.signed(world.signer, 'registry.example/other')
    await world.export(keys, [ref, other], { chains: [world.chainFile()] })
    assert.deepEqual(world.server.seen().sort(), ['GET /ca.crl', 'GET /root.crl', 'POST /ocsp'])
  })

  it('names what goes stale before the next bundle is planned', async () => {
    const stale = async (nextBundle: string): Promise<boolean[]> => {
      const { revocation } = await world.export(keys, [ref], { nextBundle })
      return (revocation?.certificates ?? []).map(({ staleBeforeNext }) => staleBeforeNext).sort()
    }
    // The answer holds for three days, the lists for ten.
    assert.deepEqual(await stale('71h'), [false, false])
    assert.deepEqual(await stale('73h'), [false, true])
    assert.deepEqual(await stale('11d'), [true, true])
  })

  it('takes PEM for DER, and gives equal pieces for both', async () => {
    const list = world.list(world.issuing)
    world.publish({ 'GET /ca.crl': { body: list } })
    const digest = async (): Promise<unknown> =>
      (await world.export(keys, [ref])).revocation?.pieces.find(({ url }) => url === world.listUrl)?.digest
    const before = await digest()
    world.publish({ 'GET /ca.crl': { body: encodePem('X509 CRL', list) } })
    assert.equal(await digest(), before)
  })

  it('tells of a certificate that is revoked, and carries on', async () => {
    const revoked = [{ serial: world.leaf.serial, at: at(world.now, -24) }]
    world.publish({ 'GET /ca.crl': { body: world.list(world.issuing, { revoked }) } })
    const { revocation } = await world.export(keys, [ref])
    const signer = revocation?.certificates.find(({ subject }) => subject.startsWith('CN=signer'))
    assert.equal(signer?.revoked, timeText(new Date(world.now.getTime() - 24 * 3_600_000)))
    assert.ok(revocation?.warnings.some((warning) => warning.includes('CN=signer')))
  })

  const cases: Record<string, [Code, () => Record<string, object>]> = {
    'a list that is not there': ['LIST_UNAVAILABLE', () => ({ 'GET /ca.crl': { status: 404 } })],
    'a page in place of a list': ['LIST_MALFORMED', () => ({ 'GET /ca.crl': { body: '<html>' } })],
    'a list that is cut short': [
      'LIST_MALFORMED',
      () => ({ 'GET /ca.crl': { body: world.list(world.issuing).subarray(0, -1) } }),
    ],
    'the list of another issuer': ['LIST_INVALID', () => ({ 'GET /ca.crl': { body: world.list(world.root) } })],
    'the list of an issuer of the same name': [
      'LIST_INVALID',
      () => {
        const same = new Authority('issuing')
        try {
          return { 'GET /ca.crl': { body: world.list(same) } }
        } finally {
          same.remove()
        }
      },
    ],
    'a list of tomorrow': [
      'LIST_FUTURE',
      () => ({ 'GET /ca.crl': { body: world.list(world.issuing, { from: at(world.now, 24) }) } }),
    ],
    'a list past its next update': [
      'LIST_STALE',
      () => ({
        'GET /ca.crl': { body: world.list(world.issuing, { from: at(world.now, -48), until: at(world.now, -24) }) },
      }),
    ],
    'a delta in place of the whole list': [
      'LIST_INVALID',
      () => ({ 'GET /ca.crl': { body: world.list(world.issuing, { deltaBase: 15 }) } }),
    ],
    'the list of another distribution point': [
      'LIST_INVALID',
      () => ({
        'GET /ca.crl': {
          body: world.list(world.issuing, {
            extensions: ['issuingDistributionPoint=critical,@p', '[p]', 'fullname=URI:http://elsewhere.example/x.crl'],
          }),
        },
      }),
    ],
  }
  for (const [what, [code, replies]] of Object.entries(cases))
    it(`refuses ${what}, unless the plan accepts that by name`, async () => {
      world.publish(replies())
      await assert.rejects(world.export(keys, [ref]), fault(code, world.listUrl))
      await assert.rejects(world.export(keys, [ref], { accept: [world.rootUrl] }), fault(code, world.listUrl))
      const issuer = world.issuing.certificate.spkiSha256
      for (const name of [world.listUrl, issuer, `sha256:${issuer}`]) {
        const { revocation } = await world.export(keys, [ref], { accept: [name] })
        const found = revocation?.lacking.filter(({ url }) => url === world.listUrl)
        assert.deepEqual(
          found?.map(({ kind, issuer: of, code: why, accepted }) => [kind, of, why, accepted]),
          [['list', issuer, code, 'by name']],
        )
        // A stale list still says who is revoked; the others would make the far side refuse the bundle.
        const carried = revocation?.pieces.some(({ url }) => url === world.listUrl)
        assert.equal(carried, code === 'LIST_STALE', name)
      }
    })

  it('tells of what was accepted and is not lacking', async () => {
    const { revocation } = await world.export(keys, [ref], { accept: ['http://gone.example/x.crl'] })
    assert.ok(revocation?.warnings.some((warning) => warning.includes('http://gone.example/x.crl')))
  })

  it('goes without an answer where lists speak of the certificate, and says so', async () => {
    for (const reply of [
      { status: 500 },
      { body: 'no answer' },
      { body: world.answer({ ignorant: true, about: [world.leaf] }) },
    ]) {
      world.publish({ 'POST /ocsp': reply })
      const { revocation } = await world.export(keys, [ref])
      assert.deepEqual(
        revocation?.lacking.map(({ kind, url, accepted }) => [kind, url, accepted]),
        [['answer', world.responderUrl, 'by its lists']],
      )
    }
    // An absent answer excuses no absent list.
    world.publish({ 'POST /ocsp': { status: 500 }, 'GET /ca.crl': { status: 500 } })
    await assert.rejects(world.export(keys, [ref]), fault('LIST_UNAVAILABLE'))
    await assert.rejects(
      world.export(keys, [ref], { accept: [world.listUrl] }),
      fault('LIST_UNAVAILABLE', world.responderUrl),
    )
  })

  it('dials no private address unless the plan allows it (SSRF)', async () => {
    await assert.rejects(world.export(keys, [ref], { allowPrivate: false }), fault('LIST_UNAVAILABLE'))
    assert.deepEqual(world.server.asked, [])
    await assert.rejects(world.export(keys, [ref], { allowPrivate: false }), ({ remedy }: SallyportError) =>
      ['--allow-private', '--revocation'].every((option) => remedy.includes(option)),
    )
  })

  it('gives up a server that drips a list without end', async () => {
    const big = Buffer.alloc(1 << 20, 0x30)
    world.publish({
      'GET /ca.crl': {
        raw: (response) => {
          const more = (): void => {
            if (response.destroyed || response.socket === null || response.socket.destroyed) return
            response.write(big, more)
          }
          more()
        },
      },
    })
    await assert.rejects(world.export(keys, [ref]), fault('LIST_UNAVAILABLE', world.listUrl))
  })

  it('asks nobody when it is told none, and for layouts when it is told nothing', async () => {
    const { revocation, repositories } = await world.export(keys, [ref], { collect: 'none' })
    assert.deepEqual([revocation?.from, revocation?.pieces, repositories.length], ['none', [], 1])
    const notes: string[] = []
    const plain = await world.export(keys, [ref], undefined, {
      ...world.options(keys, { artifacts: [{ ref, referrers: 'all' }] }),
      onEvent: (event) => void (event.type === 'note' && notes.push(event.text)),
    })
    assert.deepEqual([plain.revocation?.from, plain.revocation?.pieces], ['none', []])
    assert.equal(plain.revocation?.certificates.length, 2)
    assert.equal(notes.filter((note) => note.includes('--revocation')).length, 1)
    assert.deepEqual(world.server.asked, [])
  })

  it('carries the same as before when a stopped export is gone on with, though answers differ each time', async () => {
    const output = world.path('stopped.tar')
    const stop = new AbortController()
    const options = { output, created: world.now }
    const interrupted = world.export(
      keys,
      [ref],
      {},
      {
        ...options,
        signal: stop.signal,
        onEvent: (event) => void (event.type === 'total' && stop.abort()),
      },
    )
    await assert.rejects(interrupted)
    world.server.asked.length = 0
    world.publish({ 'GET /ca.crl': { body: world.list(world.issuing, { number: 17 }) } })
    const done = await world.export(keys, [ref], {}, options)
    assert.deepEqual([done.resumed, done.revocation?.from, world.server.asked], [true, 'kept', []])
    assert.deepEqual(
      done.revocation?.certificates.map(({ numbers }) => numbers),
      [['16'], ['16']],
    )
  })

  describe('from the real responder of openssl', () => {
    it('carries the answer, for a certificate that has no list', async () => {
      const probe = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => probe.once('listening', resolve))
      const { port } = probe.address() as AddressInfo
      await new Promise((resolve) => probe.close(resolve))
      const own = await RevocationWorld.open({ signer: () => [responders(`http://127.0.0.1:${port}/`)] })
      const args = [
        'ocsp',
        ...own.issuing.prepare({ about: [own.leaf] }),
        '-port',
        String(port),
        '-ndays',
        '2',
        '-nrequest',
        '3',
      ]
      const server = spawn('openssl', args, { cwd: own.issuing.dir, stdio: 'ignore' })
      try {
        const channel = await own.channel()
        const signed = await own.signed()
        let report
        for (let tries = 0; report === undefined; tries++) {
          await wait(200)
          report = await own.export(channel, [signed]).catch((error: unknown) => {
            if (tries > 20) throw error
            return undefined
          })
        }
        const signer = report.revocation?.certificates.find(({ subject }) => subject.startsWith('CN=signer'))
        assert.deepEqual([signer?.revocable, report.revocation?.lacking], ['answer', []])
      } finally {
        server.kill()
        await own.close()
      }
    })
  })

  describe('with deltas', () => {
    let own: RevocationWorld
    let channel: string
    let signed: string
    const place = (): string => `${own.server.origin}/delta.crl`
    const base = (number = 16): object => ({ body: own.list(own.issuing, { number, extensions: [freshest(place())] }) })
    const delta = (number: number, deltaBase: number): object => ({
      body: own.list(own.issuing, { number, deltaBase }),
    })

    before(async () => {
      own = await RevocationWorld.open({ signer: (origin) => [lists(`${origin}/ca.crl`)] })
      channel = await own.channel()
      signed = await own.signed()
    })
    after(() => own?.close())

    it('carries the delta that a list names', async () => {
      own.publish({ 'GET /ca.crl': base(), 'GET /delta.crl': delta(18, 16) })
      const { revocation } = await own.export(channel, [signed])
      assert.deepEqual(
        revocation?.pieces
          .filter(({ kind }) => kind === 'delta')
          .map(({ url, number, deltaBase }) => [url, number, deltaBase]),
        [[place(), '18', '16']],
      )
      const signer = revocation?.certificates.find(({ subject }) => subject.startsWith('CN=signer'))
      assert.deepEqual(signer?.numbers, ['16', '18'])
    })

    for (const [what, code, reply] of [
      ['that builds on a newer list', 'LIST_BASE_MISSING', () => delta(20, 17)],
      ['that is older than its list', 'LIST_ROLLBACK', () => delta(15, 14)],
      ['that is a whole list', 'LIST_INVALID', () => base(18)],
      ['that is not there', 'LIST_UNAVAILABLE', () => ({ status: 404 })],
    ] as const)
      it(`refuses a delta ${what}`, async () => {
        own.publish({ 'GET /ca.crl': base(), 'GET /delta.crl': reply() })
        await assert.rejects(own.export(channel, [signed]), fault(code, place()))
        const { revocation } = await own.export(channel, [signed], { accept: [place()] })
        assert.deepEqual(
          revocation?.pieces.filter(({ kind }) => kind === 'delta'),
          [],
        )
      })
  })
})
