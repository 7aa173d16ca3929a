/** Lists, certificates and verdicts for the tests of the state: their bytes mean nothing to it. */
import { hash } from 'node:crypto'
import type {
  ArtifactPlace,
  Denial,
  KnownCertificate,
  ListPlace,
  Origin,
  ProvenList,
  Verdict,
} from '../../src/state/index.ts'
import { digest, TARGET } from './folder.ts'

export const URL = 'http://crl.vendor.example/ca.crl'
export const FROM: Origin = { channel: 'vendor-a', id: digest('vendor-a 3') }

export function sha(of: string): string {
  return hash('sha256', of)
}

/** The list of that number; a greater number is of a later day. */
export function listOf(number: number, change: Partial<ProvenList> = {}): ProvenList {
  const hex = number.toString(16)
  const form = change.form ?? 'base'
  return {
    issuer: sha('ca'),
    url: URL,
    form,
    bytes: Buffer.from(`${form} list ${number} of ${change.issuer ?? ''} ${change.url ?? ''}`),
    number: hex,
    thisUpdate: `2026-11-${String(number).padStart(2, '0')}T00:00:00Z`,
    nextUpdate: '2026-12-30T00:00:00Z',
    issuerCertificate: Buffer.from('certificate of the ca'),
    ...(form === 'delta' ? { deltaBase: '1' } : {}),
    ...change,
  }
}

export function answerOf(serial: string, day: number, change: Partial<ProvenList> = {}): ProvenList {
  const { number: _number, ...list } = listOf(day, { form: 'answer', url: 'http://ocsp.vendor.example/' })
  return { ...list, bytes: Buffer.from(`answer ${serial} ${day}`), serial, ...change }
}

export function placeOf({ issuer, url, form, serial }: ListPlace): string {
  return [issuer.slice(0, 4), form, form === 'answer' ? serial : url].join(' ')
}

export function certificateOf(name: string, change: Partial<KnownCertificate> = {}): KnownCertificate {
  return {
    sha256: sha(name),
    spki: sha(`key of ${name}`),
    issuer: sha('ca'),
    serial: sha(name).slice(0, 32),
    notAfter: '2027-11-24T12:00:00Z',
    subject: `CN=${name}`,
    crlUrls: [URL],
    ocspUrls: [],
    ...change,
  }
}

export function artifact(of: string | number, path = 'mirror/vendor/app', target = TARGET): ArtifactPlace {
  return { target, path, digest: digest(of) }
}

/** The verdict of an artifact in its place; its one signature has these certificates. */
export function verdictOf(place: ArtifactPlace, chain: readonly string[], change: Partial<Verdict> = {}): Verdict {
  return {
    id: digest('vendor-a 3'),
    repository: 'vendor/app',
    verdict: 'trusted',
    why: 'POLICY',
    policy: digest('policy'),
    tags: ['v1'],
    signatures: [
      {
        manifest: digest(`signature of ${place.digest}`),
        algorithm: 'ECDSA-SHA-384',
        statement: 'vendors',
        chain: chain.map(sha),
      },
    ],
    ...place,
    ...change,
  }
}

export function denialOf(of: string | number, change: Partial<Denial> = {}): Denial {
  return { artifact: digest(of), reason: 'stolen key', since: '2026-11-20T00:00:00Z', ...change }
}
