/** Whose word an answer is: answers of the real openssl, over a file and on loopback, and of responders that may not speak. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { SallyportError } from '../../src/errors/index.ts'
import { demandIssuedAnswer, entryOf, ocspRequest, parseAnswer } from '../../src/revocation/index.ts'
import type { Certificate } from '../../src/signature/index.ts'
import { certificate, curveKey, acme, purposes, usage, rsaKey } from '../signature/hand-made.ts'
import { answerDer, single, time, type AnswerParts } from './answer-maker.ts'
import { Authority, RESPONDER, type AnswerTerms } from './authority.ts'
import { listAuthority, type ListAuthority } from './list-maker.ts'

const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'

describe('revocation/answer-issuer', function () {
  this.timeout(120_000)
  let root: Authority
  let twin: Authority
  let leaf: Certificate
  let responder: Certificate
  before(() => {
    root = new Authority('root')
    twin = new Authority('root')
    leaf = root.issue('leaf')
    responder = root.issue('responder', [], RESPONDER)
  })
  after(() => {
    root.remove()
    twin.remove()
  })

  const asked = (more: Partial<AnswerTerms> = {}) => parseAnswer(root.answer({ about: [leaf], ...more }))
  const refuses = (more: Partial<AnswerTerms>, why: string, now?: Date): void => {
    const answer = asked(more)
    assert.throws(() => demandIssuedAnswer(answer, root.certificate, now), { code: 'ANSWER_INVALID' }, why)
  }

  it('accepts the answer of the issuer itself, named by its name or its key', () => {
    for (const options of [[], ['-resp_key_id'], ['-resp_no_certs']])
      assert.equal(demandIssuedAnswer(asked({ options }), root.certificate), root.certificate)
  })

  it('accepts the answer of a responder that the issuer made, named by its name or its key', () => {
    for (const options of [[], ['-resp_key_id']]) {
      const answer = asked({ by: 'responder', options })
      assert.equal(demandIssuedAnswer(answer, root.certificate, new Date()).sha256, responder.sha256)
    }
  })

  it('refuses a responder without its certificate, not made for OCSP, or that may not sign', () => {
    refuses({ by: 'responder', options: ['-resp_no_certs'] }, 'no certificate')
    refuses({ by: 'leaf' }, 'a signer')
    root.issue('any', [], ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=anyExtendedKeyUsage'])
    refuses({ by: 'any' }, 'any purpose')
    root.issue('no-usage', [], ['keyUsage=critical,keyEncipherment', 'extendedKeyUsage=OCSPSigning'])
    refuses({ by: 'no-usage' }, 'no digitalSignature')
    root.issue('no-key-usage', [], ['extendedKeyUsage=OCSPSigning'])
    demandIssuedAnswer(asked({ by: 'no-key-usage' }), root.certificate)
    root.issue('critical', ['1.2.3.4=critical,ASN1:NULL'], RESPONDER)
    refuses({ by: 'critical' }, 'an unknown critical extension')
    root.issue('weak', [], RESPONDER, ['-sha1'])
    refuses({ by: 'weak' }, 'a certificate over SHA-1')
  })

  it('R7 refuses the responder of an authority of the same name, and that authority itself', () => {
    twin.issue('responder', [], RESPONDER)
    for (const by of ['responder', 'ca']) {
      // Asked about our certificate by our name and key, signed by the twin's.
      root.run('x509', '-in', twin.path(`${by}.crt`), '-out', `twin-${by}.crt`)
      root.run('pkey', '-in', twin.path(`${by}.key`), '-out', `twin-${by}.key`)
      refuses({ by: `twin-${by}` }, by)
    }
  })

  it('refuses an answer signed over SHA-1, though its identifiers may be', () => {
    refuses({ options: ['-rmd', 'sha1'] }, 'SHA-1')
    demandIssuedAnswer(asked({ options: ['-rmd', 'sha512'] }), root.certificate)
    demandIssuedAnswer(asked({ asking: ['-sha256'] }), root.certificate)
  })

  it('refuses an answer about no certificate of the issuer', () => {
    const answer = asked()
    assert.throws(() => demandIssuedAnswer(answer, twin.certificate), { code: 'ANSWER_INVALID' })
    demandIssuedAnswer(answer, root.certificate)
    const issuer = listAuthority()
    const about = (of: ListAuthority) =>
      parseAnswer(answerDer({ authority: issuer, singles: [single({ issuer: of })] }))
    assert.throws(() => demandIssuedAnswer(about(listAuthority()), issuer.certificate), { code: 'ANSWER_INVALID' })
    demandIssuedAnswer(about(issuer), issuer.certificate)
  })

  it('refuses a responder whose certificate is not valid when it is asked, and takes the issuer at any time', () => {
    const late = new Date(Date.now() + 31 * 86_400_000)
    refuses({ by: 'responder' }, 'expired', late)
    demandIssuedAnswer(asked({ by: 'responder' }), root.certificate)
    demandIssuedAnswer(asked(), root.certificate, late)
  })

  it('refuses a responder whose certificate was not valid when it answered', () => {
    const issuer = listAuthority()
    const key = curveKey('P-256')
    const made = certificate({
      key,
      subject: acme('responder'),
      issuer: { privateKey: issuer.key.privateKey, name: issuer.name },
      extensions: [usage([0]), purposes([OCSP_SIGNING])],
    })
    const answered = (when: string, more: Partial<AnswerParts> = {}) =>
      parseAnswer(
        answerDer({
          authority: issuer,
          key,
          responder: Buffer.concat([Buffer.from([0xa1, made.rawSubject.length]), made.rawSubject]),
          certificates: [made.der],
          producedAt: time(when),
          ...more,
        }),
      )
    demandIssuedAnswer(answered('20260601000000Z'), issuer.certificate)
    for (const when of ['20251231235959Z', '20270101000001Z'])
      assert.throws(() => demandIssuedAnswer(answered(when), issuer.certificate), { code: 'ANSWER_INVALID' })
    const other = { key: curveKey('P-256') }
    assert.throws(() => demandIssuedAnswer(answered('20260601000000Z', other), issuer.certificate), {
      code: 'ANSWER_INVALID',
    })
    const rsa = { key: rsaKey(2048) }
    assert.throws(() => demandIssuedAnswer(answered('20260601000000Z', rsa), issuer.certificate), {
      code: 'ANSWER_INVALID',
    })
    const broken = { certificates: [made.der, Buffer.from([0x30, 0])] }
    assert.throws(() => demandIssuedAnswer(answered('20260601000000Z', broken), issuer.certificate), {
      code: 'ANSWER_INVALID',
    })
  })

  it('lets no answer verify that has a bit changed in what is signed', () => {
    const issuer = listAuthority()
    const bytes = answerDer({ authority: issuer })
    const { signed } = parseAnswer(bytes)
    const start = bytes.indexOf(signed.bytes)
    let read = 0
    for (let at = start; at < start + signed.bytes.length; at += 1)
      for (const mask of [1, 0x10, 0x80]) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ mask
        try {
          const answer = parseAnswer(changed)
          read += 1
          demandIssuedAnswer(answer, issuer.certificate)
          assert.fail(`octet ${at}`)
        } catch (error) {
          assert.ok(error instanceof SallyportError && error.code === 'ANSWER_INVALID', `octet ${at}`)
        }
      }
    assert.ok(read > 50)
  })

  it('asks the responder of openssl on loopback, and takes its answer', async () => {
    const revoked = [{ serial: leaf.serial, why: 'superseded' }]
    for (const by of ['ca', 'responder']) {
      const args = root.prepare({ about: [leaf], revoked, by })
      const server = spawn('openssl', ['ocsp', ...args, '-ndays', '1', '-port', '0'], { cwd: root.dir })
      try {
        const port = await portOf(server.stdout)
        const response = await fetch(`http://127.0.0.1:${port}`, {
          method: 'POST',
          headers: { 'content-type': 'application/ocsp-request' },
          body: Buffer.from(ocspRequest(leaf, root.certificate)),
        })
        const answer = parseAnswer(Buffer.from(await response.arrayBuffer()))
        demandIssuedAnswer(answer, root.certificate, new Date())
        const entry = entryOf(answer, root.certificate, leaf.serial)
        assert.deepEqual([entry?.status, entry?.reason], ['revoked', 4])
      } finally {
        server.kill()
        await once(server, 'close')
      }
    }
  })

  it('asks as openssl asks', () => {
    for (const one of [leaf, responder]) {
      root.prepare({ about: [one] })
      assert.deepEqual(ocspRequest(one, root.certificate), readFileSync(root.path('question.der')))
    }
    writeFileSync(root.path('ours.der'), ocspRequest(leaf, root.certificate))
    assert.match(root.run('ocsp', '-reqin', 'ours.der', '-req_text').toString(), /Serial Number: /)
  })
})

/** Where `openssl ocsp -port 0` listens: it says so on its first lines. */
async function portOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [, port] = /^ACCEPT .*:(\d+) /.exec(line) ?? []
    if (port !== undefined) return port
  }
  throw new Error('the responder does not listen')
}
