/** What must pass: every format by every algorithm, made by each side, with a timestamp and without. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { localSigner, parseCertificates, sealEnvelope, targetPayload } from '../../../src/signature/index.ts'
import { MEDIA_TYPES } from '../notation.ts'
import { type Issued, KEY_KINDS, type KeyKind } from '../setup/certificates.ts'
import type { Part } from '../setup/signed-layout.ts'
import { accept, FORMATS } from './case.ts'
import type { Format } from './header.ts'
import { SCOPE, type Situation, type World } from './world.ts'

interface OurTerms {
  readonly signer: Issued
  readonly scheme?: 'notary.x509' | 'notary.x509.signingAuthority'
  readonly stamped?: boolean
  readonly expiry?: Date
  readonly annotations?: Readonly<Record<string, string>>
}

/** An envelope as our own signer makes it. */
export async function ourEnvelope(world: World, format: Format, target: Part, terms: OurTerms): Promise<Buffer> {
  const chain = parseCertificates(readFileSync(terms.signer.chain))
  const signer = localSigner(createPrivateKey(readFileSync(terms.signer.key)), chain)
  const authority = await world.authority()
  return sealEnvelope({
    format,
    payload: targetPayload(target, terms.annotations),
    signer,
    signingTime: new Date(),
    agent: 'sallyport/test',
    ...(terms.scheme && { scheme: terms.scheme }),
    ...(terms.expiry && { expiry: terms.expiry }),
    ...(terms.stamped && { timestamp: (signature: Buffer) => authority.token(signature, 'sha256') }),
  })
}

async function ours(world: World, format: Format, kind: KeyKind, stamped: boolean): Promise<Situation> {
  const { layout, target } = world.artifact()
  const signer = await world.leaf(kind)
  const envelope = await ourEnvelope(world, format, target, { signer, stamped })
  world.attach(layout, target, format, envelope)
  return world.situation(layout, target, stamped ? await world.stampTrust() : {})
}

async function theirs(world: World, format: Format, kind: KeyKind, stamped: boolean): Promise<Situation> {
  const { layout, target } = world.artifact()
  const { key, chain } = await world.leaf(kind)
  const place = { layout: layout.folder, reference: `${SCOPE}@${target.digest}` }
  const authority = await world.authority()
  const timestamp = { url: authority.url, roots: (await world.stampRoot()).certificate }
  const terms = { ...place, key, chain, mediaType: MEDIA_TYPES[format], ...(stamped && { timestamp }) }
  const signed = await world.judge.sign(terms)
  if (!signed.ok) throw new Error(signed.error)
  return world.situation(layout, target, stamped ? await world.stampTrust() : {})
}

export const GOOD_CASES = FORMATS.flatMap((format) =>
  KEY_KINDS.flatMap((kind) => [
    accept(`${format} by ${kind}, signed here`, (world) => ours(world, format, kind, false)),
    accept(`${format} by ${kind}, signed here, with a timestamp`, (world) => ours(world, format, kind, true)),
    accept(`${format} by ${kind}, signed by notation`, (world) => theirs(world, format, kind, false)),
    accept(`${format} by ${kind}, signed by notation, with a timestamp`, (world) => theirs(world, format, kind, true)),
  ]),
)
