/** A house whose certificates the real openssl made, for what `sallyport ca` makes none of: responders, clocks with lists. */
import { copyFileSync } from 'node:fs'
import type { Authority } from '../revocation/authority.ts'
import type { Anchor, House, Side } from './side.ts'

/** An authority of openssl, as a person vouches for it; its file is `NAME.crt`. */
export function opensslAnchor(side: Side, authority: Authority, name: string): Anchor {
  const file = side.write(`${name}.crt`, '')
  copyFileSync(authority.path('ca.crt'), side.path(file))
  return { file, fingerprint: `sha256:${authority.certificate.sha256}` }
}

/** A house with the authority as anchor and one of its certificates as signer, which goes by the name it was issued under. */
export async function opensslHouse(side: Side, authority: Authority, name: string, signer: string): Promise<House> {
  const anchor = opensslAnchor(side, authority, name)
  const own = side.write(`${name}/${signer}/certificate.crt`, '')
  copyFileSync(authority.path(`${signer}.crt`), side.path(own))
  side.write(`${name}/${signer}/chain.crt`, Buffer.concat([side.read(own), side.read(anchor.file)]))
  const seal = `pkcs8 -topk8 -v2 aes-256-cbc -passout file:passphrase -out ${name}/${signer}/key.pem`
  await side.tool('openssl', `${seal} -in`, authority.path(`${signer}.key`))
  return { name, folder: name, identity: 'C=US,ST=WA,O=acme', anchor }
}
