/** An RFC 3161 timestamp authority on loopback: `openssl ts` behind an HTTP server. */
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Issued } from './certificates.ts'
import { peer } from './run.ts'

export interface AuthorityTerms {
  /** Where its files go. */
  readonly folder: string
  readonly signer: Issued
  readonly accuracySeconds?: number
  /** Digest by which the token names its signer: `sha1` gives the old attribute, signing-certificate. */
  readonly nameSignerBy?: 'sha1' | 'sha256'
  readonly policy?: string
}

export interface TimestampAuthority {
  readonly url: string
  /** Answers a DER request; `at` moves the authority's clock. */
  reply(request: Uint8Array, at?: Date): Promise<Buffer>
  /** The token over some bytes, made without HTTP. */
  token(bytes: Uint8Array, hash: 'sha1' | 'sha256' | 'sha384' | 'sha512', at?: Date): Promise<Buffer>
  stop(): Promise<void>
}

function config(terms: AuthorityTerms, folder: string): string {
  const { signer } = terms
  return [
    '[tsa]',
    `serial = ${join(folder, 'serial')}`,
    'crypto_device = builtin',
    `signer_cert = ${signer.certificate}`,
    `certs = ${signer.chain}`,
    `signer_key = ${signer.key}`,
    'signer_digest = sha256',
    `default_policy = ${terms.policy ?? '1.2.3.4.1'}`,
    'digests = sha1, sha256, sha384, sha512',
    ...(terms.accuracySeconds === undefined ? [] : [`accuracy = secs:${terms.accuracySeconds}`]),
    'ordering = no',
    'tsa_name = no',
    'ess_cert_id_chain = no',
    `ess_cert_id_alg = ${terms.nameSignerBy ?? 'sha256'}`,
  ].join('\n')
}

export async function startTimestampAuthority(terms: AuthorityTerms): Promise<TimestampAuthority> {
  const folder = mkdtempSync(join(terms.folder, 'authority-'))
  const at = (name: string) => join(folder, name)
  writeFileSync(at('tsa.cnf'), config(terms, folder))
  writeFileSync(at('serial'), '01\n')
  let count = 0
  // One at a time: openssl keeps its serial number in a file.
  let last: Promise<unknown> = Promise.resolve()

  async function stamp(request: Uint8Array, tokenOnly: boolean, time?: Date): Promise<Buffer> {
    count += 1
    const query = at(`${count}.tsq`)
    const out = at(`${count}.out`)
    writeFileSync(query, request)
    const args = ['ts', '-reply', '-config', at('tsa.cnf'), '-section', 'tsa', '-queryfile', query, '-out', out]
    if (tokenOnly) args.push('-token_out')
    if (time === undefined) await peer('openssl', args)
    else {
      const env = { TZ: 'UTC' }
      await peer('faketime', ['-f', time.toISOString().slice(0, 19).replace('T', ' '), 'openssl', ...args], { env })
    }
    return readFile(out)
  }

  function queued(request: Uint8Array, tokenOnly: boolean, time?: Date): Promise<Buffer> {
    const done = last.then(() => stamp(request, tokenOnly, time))
    last = done.catch(() => undefined)
    return done
  }

  const server = createServer((request, response) => {
    buffer(request)
      .then((body) => queued(body, false))
      .then(
        (reply) => response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  return {
    url: `http://127.0.0.1:${address.port}`,
    reply: (request, time) => queued(request, false, time),
    async token(bytes, hash, time) {
      count += 1
      writeFileSync(at(`${count}.data`), bytes)
      const query = at(`${count}.query`)
      await peer('openssl', ['ts', '-query', '-data', at(`${count}.data`), `-${hash}`, '-cert', '-out', query])
      return queued(await readFile(query), true, time)
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await last
    },
  }
}

export interface ResignTerms {
  readonly folder: string
  readonly signer: Issued
  /** What the token carries: the signer's whole chain unless told. */
  readonly certificates?: 'chain' | 'signer' | 'none'
  readonly digest?: 'sha1' | 'sha256'
  /** Whether the signed attributes name the signer's certificate. */
  readonly named?: boolean
  readonly contentType?: string
}

/** The same time in a token that another has signed, whose certificate `openssl ts` may not like. */
export async function resignToken(token: Uint8Array, terms: ResignTerms): Promise<Buffer> {
  const { signer, certificates = 'chain', digest = 'sha256', named = true } = terms
  const folder = mkdtempSync(join(terms.folder, 'resigned-'))
  const at = (name: string) => join(folder, name)
  writeFileSync(at('token'), token)
  await peer('openssl', ['cms', '-verify', '-noverify', '-inform', 'DER', '-in', at('token'), '-out', at('info')])
  const contentType = terms.contentType ?? '1.2.840.113549.1.9.16.1.4'
  const carried = { chain: ['-certfile', signer.issuer?.chain ?? signer.chain], signer: [], none: ['-nocerts'] }[
    certificates
  ]
  const form = ['-binary', '-nodetach', '-outform', 'DER', '-econtent_type', contentType, '-md', digest]
  const files = ['-in', at('info'), '-signer', signer.certificate, '-inkey', signer.key, '-out', at('resigned')]
  await peer('openssl', ['cms', '-sign', ...form, ...(named ? ['-cades'] : []), ...carried, ...files])
  return readFile(at('resigned'))
}
