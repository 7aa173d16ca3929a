/** A site that has let many artifacts in by many signers, of which only those exist that a list will touch. */
import { hash } from 'node:crypto'
import type { Digest } from '../../../src/oci/index.ts'
import type { KnownCertificate, State, Verdict } from '../../../src/state/index.ts'
import { timeText } from '../../../src/transfer/run/run.ts'
import type { Piece } from '../../contract/content.ts'
import { LIST_URL, PATH, type RevocableSite } from '../revocable.ts'

export interface Many {
  artifacts: number
  certificates: number
  /** Serial numbers whose artifacts are really there, signed. */
  real: readonly number[]
}

const RUN = 2_000

function digestOf(n: number): Digest {
  return `sha256:${hash('sha256', `artifact ${n}`)}`
}

/** Facts of a certificate that nobody will look into. */
function factsOf(serial: number, issuer: string): KnownCertificate {
  return {
    sha256: hash('sha256', `certificate ${serial}`),
    spki: hash('sha256', `key ${serial}`),
    issuer,
    serial: serial.toString(16),
    notAfter: '2027-01-01T00:00:00Z',
    subject: `CN=signer ${serial},O=acme,ST=WA,C=US`,
    crlUrls: [LIST_URL],
    ocspUrls: [],
  }
}

async function record(state: State, rows: readonly Verdict[]): Promise<void> {
  for (let at = 0; at < rows.length; at += RUN) await state.recordVerdicts(rows.slice(at, at + RUN))
}

async function rowOf(site: RevocableSite, made: Piece): Promise<Verdict> {
  await site.judge(made)
  const recorded = await site.state.verdictOf(site.ward.placeOf(made.descriptor))
  if (recorded === undefined) throw new Error('not judged')
  const { n: _n, time: _time, ...row } = recorded
  return row
}

const AT_ONCE = 8

async function signed(site: RevocableSite, serial: number, count: number): Promise<Piece[]> {
  const made: Piece[] = []
  const lane = async (): Promise<void> => {
    while (made.length < count) {
      const image = site.ward.image()
      made.push(await image)
      await site.sign(await image, site.vendor.signer(serial))
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, lane))
  return made.slice(0, count)
}

/** The digests of the artifacts that are there. Serial numbers count from 1; each signer has as many artifacts as any. */
export async function admitMany(site: RevocableSite, { artifacts, certificates, real }: Many): Promise<Set<Digest>> {
  const { state, vendor } = site
  const root = vendor.authority.certificate
  const there = new Set<Digest>()
  const each = artifacts / certificates
  let like: Verdict | undefined
  for (const serial of real)
    for (const [i, made] of (await signed(site, serial, each)).entries()) {
      like ??= await rowOf(site, made)
      const [leaf] = vendor.signer(serial).chain
      if (leaf === undefined) throw new Error('no leaf')
      const known = { ...factsOf(serial, root.spkiSha256), sha256: leaf.sha256, spki: leaf.spkiSha256 }
      if (i === 0) await state.knowCertificates([{ ...known, notAfter: timeText(leaf.notAfter) }])
      const [signature] = like.signatures ?? []
      if (signature === undefined) throw new Error('not trusted')
      const signatures = [{ ...signature, chain: [leaf.sha256, root.sha256] }]
      await state.recordVerdicts([{ ...like, digest: made.descriptor.digest, path: PATH, signatures }])
      there.add(made.descriptor.digest)
    }
  if (like === undefined) throw new Error('none is real')
  const fake = Array.from({ length: certificates }, (_, i) => i + 1).filter((serial) => !real.includes(serial))
  await state.knowCertificates(fake.map((serial) => factsOf(serial, root.spkiSha256)))
  const [signature] = like.signatures ?? []
  if (signature === undefined) throw new Error('not trusted')
  const rows: Verdict[] = []
  for (const serial of fake)
    for (let i = 0; i < each; i += 1) {
      const n = rows.length
      const chain = [hash('sha256', `certificate ${serial}`), root.sha256]
      rows.push({ ...like, digest: digestOf(n), path: `mirror/app${n % 400}`, signatures: [{ ...signature, chain }] })
    }
  await record(state, rows)
  return there
}
