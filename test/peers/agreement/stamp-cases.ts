/** Timestamp authorities: the rules for their certificates, and tokens that `openssl ts` would not make. */
import { ROOT_EXTENSIONS, type CertificateTerms, type Issued, STAMPER_EXTENSIONS } from '../setup/certificates.ts'
import { resignToken, type ResignTerms } from '../setup/timestamp-authority.ts'
import { accept, type AgreementCase, refuse } from './case.ts'
import type { Situation, World } from './world.ts'

const USAGE = 'keyUsage=critical,digitalSignature'
const STAMPING = 'extendedKeyUsage=critical,timeStamping'

async function stampedBy(world: World, signer: Issued, terms: Partial<ResignTerms> = {}): Promise<Situation> {
  const authority = await world.authority()
  return world.signed({
    stamp: async (signature) =>
      resignToken(await authority.token(signature, 'sha256'), { folder: world.folder, signer, ...terms }),
    trust: await world.stampTrust(),
  })
}

async function stamper(world: World, terms: CertificateTerms): Promise<Issued> {
  return world.maker.issue({ kind: 'p384', issuer: await world.stampRoot(), extensions: STAMPER_EXTENSIONS, ...terms })
}

function badStamper(name: string, terms: CertificateTerms, differs?: string): AgreementCase {
  return refuse(
    `authority: ${name}`,
    'TIMESTAMP_INVALID',
    async (world) => stampedBy(world, await stamper(world, terms)),
    differs,
  )
}

export const STAMP_CASES: readonly AgreementCase[] = [
  accept('authority: P-384', async (world) => stampedBy(world, await stamper(world, {}))),
  accept('authority: RSA of 3072 bits', async (world) => stampedBy(world, await stamper(world, { kind: 'rsa3072' }))),
  accept('authority: below an intermediate authority', async (world) => {
    const middle = await stamper(world, { kind: 'p521', extensions: ROOT_EXTENSIONS })
    return stampedBy(world, await stamper(world, { issuer: middle }))
  }),
  accept('authority: its root not in the token', async (world) =>
    stampedBy(world, await stamper(world, {}), { certificates: 'signer' }),
  ),
  refuse('authority: no certificate in the token', 'TIMESTAMP_INVALID', async (world) =>
    stampedBy(world, await stamper(world, {}), { certificates: 'none' }),
  ),
  refuse('authority: its intermediate not in the token', 'TIMESTAMP_INVALID', async (world) => {
    const middle = await stamper(world, { kind: 'p521', extensions: ROOT_EXTENSIONS })
    return stampedBy(world, await stamper(world, { issuer: middle }), { certificates: 'signer' })
  }),
  refuse('authority: its certificate not named in what it signed', 'TIMESTAMP_INVALID', async (world) =>
    stampedBy(world, await stamper(world, {}), { named: false }),
  ),
  refuse('authority: SHA-1 for its own signature', 'TIMESTAMP_INVALID', async (world) =>
    stampedBy(world, await stamper(world, {}), { digest: 'sha1' }),
  ),
  refuse('authority: a signature over data that is no time', 'TIMESTAMP_INVALID', async (world) =>
    stampedBy(world, await stamper(world, {}), { contentType: '1.2.840.113549.1.7.1' }),
  ),
  badStamper('no purpose', { extensions: ['basicConstraints=CA:FALSE', USAGE] }),
  badStamper('its purpose not critical', { extensions: [USAGE, 'extendedKeyUsage=timeStamping'] }),
  badStamper('code signing beside timestamps', {
    extensions: [USAGE, 'extendedKeyUsage=critical,timeStamping,codeSigning'],
  }),
  badStamper('code signing', { extensions: [USAGE, 'extendedKeyUsage=critical,codeSigning'] }),
  badStamper('no key usage', { extensions: [STAMPING] }),
  badStamper('key encipherment beside signatures', {
    extensions: ['keyUsage=critical,digitalSignature,keyEncipherment', STAMPING],
  }),
  badStamper('it is a certificate authority', {
    extensions: [...ROOT_EXTENSIONS.slice(0, 1), 'keyUsage=critical,keyCertSign,digitalSignature', STAMPING],
  }),
  badStamper('RSA of 1024 bits', { kind: 'rsa1024' }),
  badStamper('SHA-1 under its certificate', { digest: 'sha1' }),
]
