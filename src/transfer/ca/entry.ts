/** Makes one entry of a certificate folder: key, certificate, record; judged by the rules that verifiers have, before it is written. */
import { randomBytes, type KeyObject } from 'node:crypto'
import {
  buildCertificate,
  generateKey,
  issuerKey,
  sealSigningKey,
  subjectDer,
  writeDelegation,
  type CertificateKind,
  type Delegation,
  type KeyAlgorithm,
  type Subject,
} from '../../ca/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { checkChain, distinguishedNameText, parseCertificate, type Certificate } from '../../signature/index.ts'
import type { NewEntry } from './folder.ts'
import { timeText } from '../run/run.ts'

/** Who issues: its chain, own certificate first, and its opened key. */
export interface OpenIssuer {
  chain: readonly [Certificate, ...Certificate[]]
  key: KeyObject
  /** Where its revocation list will lie: the distribution point of what it issues. */
  crlUrl: string | null
}

export interface EntryTerms {
  kind: CertificateKind
  purpose: Delegation['purpose']
  subject: Subject
  algorithm: KeyAlgorithm
  notBefore: Date
  notAfter: Date
  pathLength: number | undefined
  scope: readonly string[]
  /** Where the revocation list of the new authority will lie. */
  crlUrl: string | null
  /** Undefined makes a certificate that signs itself. */
  issuer: OpenIssuer | undefined
}

export interface MadeEntry extends NewEntry {
  chain: OpenIssuer['chain']
  /** Opened, to issue with it in the same run. */
  open: OpenIssuer
  record: Omit<Delegation, 'format'>
}

/** A key as issuer. Throws KEY_MALFORMED when it is of a kind that no certificate here is signed with. */
function signing(key: KeyObject, subject: string): NonNullable<ReturnType<typeof issuerKey>> {
  const signer = issuerKey(key)
  if (signer === undefined) throw new SallyportError('KEY_MALFORMED', { side: 'source', subject })
  return signer
}

/**
 * The entry, whole and self-consistent. Whether its issuer may issue it is for the caller to ask before.
 * @param seal - gives the passphrase of the new key
 * @param file - of the new key, as errors name it
 * Throws KEY_PASSPHRASE, KEY_MALFORMED, CHAIN_INVALID.
 */
export async function makeEntry(
  terms: EntryTerms,
  file: string,
  seal: () => Promise<Uint8Array>,
  random: (count: number) => Uint8Array = randomBytes,
): Promise<MadeEntry> {
  const { kind, purpose, issuer, notBefore, notAfter, pathLength, scope, crlUrl } = terms
  const passphrase = await seal()
  const key = await generateKey(terms.algorithm)
  const sealed = sealSigningKey(key, passphrase, file, random)
  const own = signing(key, file)
  const name = subjectDer(terms.subject)
  const issuing = issuer?.chain[0]
  const signer = issuer === undefined ? own : signing(issuer.key, file)
  const der = buildCertificate({
    kind,
    subject: name,
    publicKey: own.publicKey,
    issuer: { name: issuing?.rawSubject ?? name, key: signer },
    serial: random(16),
    notBefore,
    notAfter,
    pathLength,
    crlUrl: issuer?.crlUrl ?? undefined,
  })
  const certificate = parseCertificate(der)
  const chain = [certificate, ...(issuer?.chain ?? [])] as const
  if (kind === 'signer') checkChain(chain, 'codeSigning')
  if (kind === 'tsa') checkChain(chain, 'timestamping')
  const party = (of: Certificate): { subject: string; certificate: string } => ({
    subject: distinguishedNameText(of.subject),
    certificate: of.sha256,
  })
  const record: MadeEntry['record'] = {
    kind,
    purpose,
    from: issuing === undefined ? null : party(issuing),
    to: party(certificate),
    scope: [...scope],
    notBefore: timeText(notBefore),
    notAfter: timeText(notAfter),
    pathLength: pathLength ?? null,
    crlUrl,
  }
  return { chain, key: sealed, delegation: writeDelegation(record, signer), record, open: { chain, key, crlUrl } }
}
