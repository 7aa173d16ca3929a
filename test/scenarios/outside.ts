/** What stock tools say of revocation on a side that has no network: notation's own command line, and openssl. */
import assert from 'node:assert/strict'
import type { Anchor, Side } from './side.ts'

/** `trusted`, `revoked`, `unknown` (it misses a list), or `refused` for any other reason. */
export type StockWord = 'trusted' | 'revoked' | 'unknown' | 'refused'

/** Verifies with an unmodified notation whose folders are where a user of this side has them. */
export async function stockWord(side: Side, notation: string, reference: string): Promise<StockWord> {
  const args = ['verify', '--insecure-registry', reference, '--debug']
  const { status, stdout, stderr } = await side.hands.run({ program: notation, args, cwd: side.dir })
  const said = stdout + stderr
  if (status === 0) {
    assert.match(said, /Successfully verified/)
    return 'trusted'
  }
  if (/is revoked|revoked certificate/i.test(said)) return 'revoked'
  return /CRL|revocation status/i.test(said) ? 'unknown' : 'refused'
}

interface Pulled {
  readonly list: string
  readonly certificate: string
}

/** Pulls every list that lies in a repository, by oras alone; each beside its issuer's certificate. */
async function pullLists(side: Side, repository: string): Promise<Pulled[]> {
  const tags = (await side.tool('crane', `ls ${repository}`)).split('\n').filter((tag) => tag.startsWith('list-'))
  for (const tag of tags) await side.tool('oras', `pull --plain-http -o pulled ${repository}:${tag}`)
  return tags.map((tag) => ({ list: `pulled/${tag}.crl`, certificate: `pulled/${tag}.crt` }))
}

/**
 * What openssl says of a signer's certificate by the lists in a registry and the anchor that the site was told of: its own
 * words, `OK` or what it found.
 */
export async function opensslWord(
  side: Side,
  terms: {
    anchor: Anchor
    signer: string
    repository: string
    /** Seconds since 1970; now unless told. */ at?: number
  },
): Promise<string> {
  const pulled = await pullLists(side, terms.repository)
  assert.notEqual(pulled.length, 0, `${terms.repository} holds no list`)
  const pem: string[] = []
  for (const { list, certificate } of pulled) {
    await side.tool('openssl', `crl -inform DER -in ${list} -out ${list}.pem`)
    await side.tool('openssl', `x509 -inform DER -in ${certificate} -out ${certificate}.pem`)
    pem.push(`${list}.pem`)
  }
  side.write('lists.pem', Buffer.concat(pem.map((file) => side.read(file))))
  side.write('issuers.pem', Buffer.concat(pulled.map(({ certificate }) => side.read(`${certificate}.pem`))))
  const when = terms.at === undefined ? '' : `-attime ${terms.at} `
  const given = `-CAfile ${terms.anchor.file} -untrusted issuers.pem -CRLfile lists.pem`
  const line = `verify -crl_check_all ${when}${given} ${terms.signer}`
  const { status, stdout, stderr } = await side.hands.run({ program: 'openssl', args: line.split(' '), cwd: side.dir })
  if (status === 0) return 'OK'
  return /lookup: (.*)/.exec(stdout + stderr)?.[1] ?? stdout + stderr
}
