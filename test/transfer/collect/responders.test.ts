/** Several answers about one certificate: which of them travels. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { der, derInteger, derNull, derOid, derSequence } from '../../../src/codec/index.ts'
import { entryOf } from '../../../src/revocation/index.ts'
import { collectRevocation, type Collection } from '../../../src/transfer/collect/collect.ts'
import { folderSource } from '../../../src/transfer/collect/folder.ts'
import { networkSource, type RevocationSource } from '../../../src/transfer/collect/network.ts'
import { acme, certificate, curveKey, extension, SIGNER } from '../../signature/hand-made.ts'
import { answerDer, single, time } from '../../revocation/answer-maker.ts'
import { fullName, listAuthority, listDer, uri } from '../../revocation/list-maker.ts'
import { fault } from '../../fault.ts'

const NOW = new Date('2026-06-15T00:00:00Z')
const KEY_COMPROMISE = 1

describe('transfer/collect: several responders', () => {
  const authority = listAuthority()
  const leaf = certificate({
    key: curveKey('P-256'),
    serial: derInteger(0x4711),
    subject: acme('signer'),
    issuer: { privateKey: authority.key.privateKey, name: authority.name },
    extensions: SIGNER,
  })
  const answer = (status: 'good' | number, made: string, until: string): Buffer => {
    const [thisUpdate, nextUpdate] = [time(`202606${made}000000Z`), der(0xa0, time(`202606${until}000000Z`))]
    const singles = [single({ issuer: authority, serial: leaf.serial, status, thisUpdate, nextUpdate })]
    return answerDer({ authority, singles, producedAt: thisUpdate })
  }
  const given = { good: answer('good', '12', '30'), late: answer('good', '05', '12') }
  const revoked = answer(KEY_COMPROMISE, '01', '10')
  let answers: readonly Buffer[] = []
  let server: Server
  let origin: string
  let dir: string

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-responders-'))
    server = createServer((request, response) => {
      request.resume().on('end', () => response.end(answers[Number(request.url?.slice(1))]))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.close()
    rmSync(dir, { recursive: true, force: true })
  })

  function collect(source: RevocationSource, crlUrls: string[] = []): Promise<Collection> {
    const ocspUrls = [`${origin}/0`, `${origin}/1`]
    const wanted = { certificate: leaf, issuer: authority.certificate, purposes: new Set(['signing'] as const) }
    const terms = { now: NOW, concurrency: 2, source, accept: [], alone: false, policy: false }
    return collectRevocation([{ ...wanted, demanded: true, crlUrls, freshestUrls: [], ocspUrls }], terms)
  }

  function carried({ pieces, lacking }: Collection): unknown {
    const said = pieces.map((piece) =>
      piece.kind === 'answer' ? entryOf(piece.answer, piece.issuer, piece.serial)?.status : piece.kind,
    )
    return [said, lacking.length]
  }

  it('carries the answer that revokes for good, though it is late and another responder says good', async () => {
    answers = [revoked, given.good]
    assert.deepEqual(carried(await collect(networkSource({ now: NOW, allowPrivate: true }))), [['revoked'], 0])
    answers = [given.late, revoked]
    assert.deepEqual(carried(await collect(networkSource({ now: NOW, allowPrivate: true }))), [['revoked'], 0])
    answers = [given.late, given.good]
    assert.deepEqual(carried(await collect(networkSource({ now: NOW, allowPrivate: true }))), [['good'], 0])
  })

  it('takes the answer that revokes for good out of a folder that holds a later one too', async () => {
    writeFileSync(join(dir, 'later'), given.good)
    assert.deepEqual(carried(await collect(folderSource(dir, NOW))), [['good'], 0])
    writeFileSync(join(dir, 'revoked'), revoked)
    assert.deepEqual(carried(await collect(folderSource(dir, NOW))), [['revoked'], 0])
  })
  it('brings the list of a responder that must be asked about, and goes without where the signer has lists', async () => {
    const key = curveKey('P-256')
    const issuer = { privateKey: authority.key.privateKey, name: authority.name }
    const usage = extension('2.5.29.37', derSequence(derOid('1.3.6.1.5.5.7.3.9')))
    const points = extension('2.5.29.31', derSequence(derSequence(fullName(uri(`${origin}/2`)))))
    const by = (...more: Buffer[]): Buffer => {
      const responder = certificate({ key, subject: acme('responder'), issuer, extensions: [usage, points, ...more] })
      const singles = [single({ issuer: authority, serial: leaf.serial })]
      return answerDer({
        authority,
        key,
        singles,
        certificates: [responder.der],
        responder: der(0xa1, acme('responder')),
      })
    }
    const list = listDer({ authority })
    const network = networkSource({ now: NOW, allowPrivate: true })
    answers = [by(), by(), list]
    assert.deepEqual(carried(await collect(network)), [['good', 'list'], 0])
    answers = [by(extension('1.3.6.1.5.5.7.48.1.5', derNull())), by(), list]
    assert.deepEqual(carried(await collect(networkSource({ now: NOW, allowPrivate: true }))), [['good'], 0])
    answers = [by(), by(), Buffer.of(0), list]
    const fresh = networkSource({ now: NOW, allowPrivate: true })
    await assert.rejects(collect(fresh), fault('LIST_MALFORMED', `${origin}/2`))
    const listed = await collect(networkSource({ now: NOW, allowPrivate: true }), [`${origin}/3`])
    assert.deepEqual(
      [carried(listed), listed.lacking.map(({ url, accepted }) => [url, accepted])],
      [[['good', 'list'], 1], [[`${origin}/2`, 'by its lists']]],
    )
  })
})
