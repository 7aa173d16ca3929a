/** Certificates that write their key in another way, which OpenSSL reads as the same one. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { der, derBits, derNull, derOid, derSequence, parseDer } from '../../../src/codec/index.ts'
import { type Issued, pemBlocks } from '../setup/certificates.ts'
import type { Situation, World } from './world.ts'

/** What stands in the bit string of a SubjectPublicKeyInfo, and in its place. */
export type Respell = (key: Buffer) => Buffer

const ECDSA_SHA256 = derSequence(derOid('1.2.840.10045.4.3.2'))

/** The chain of the leaf, which its issuer has certified anew with the other form of its key. */
function respelled({ chain, issuer }: Issued, respell: Respell): Buffer[] {
  const [leaf = Buffer.alloc(0), ...above] = pemBlocks(chain)
  const body = [...(parseDer(leaf).children[0]?.children ?? [])].map(({ raw }) => raw)
  const [algorithm, bits] = parseDer(body[6] ?? Buffer.alloc(0)).children
  if (algorithm === undefined || bits === undefined || issuer === undefined) throw new Error('no key, or no issuer')
  body[2] = ECDSA_SHA256
  body[6] = derSequence(algorithm.raw, derBits(respell(bits.contents.subarray(1))))
  const signed = derSequence(...body)
  const signature = sign('sha256', signed, createPrivateKey(readFileSync(issuer.key)))
  const made = derSequence(signed, ECDSA_SHA256, derBits(signature))
  // Else the case would be about a broken key.
  createPublicKey({ key: body[6], format: 'der', type: 'spki' })
  return [made, ...above]
}

/** Signed by a leaf of the good root that writes its key so. */
export async function signedBy(world: World, kind: 'rsa2048' | 'p256', respell: Respell): Promise<Situation> {
  const signer = await world.leafWith({ kind })
  return world.signed({ signer, kind, chain: respelled(signer, respell) })
}

export const asItIs: Respell = (key) => key

export const bytesBehind: Respell = (key) => Buffer.concat([key, derNull()])

export const paddedModulus: Respell = (key) => {
  const [modulus, exponent] = parseDer(key).children
  if (modulus === undefined || exponent === undefined) throw new Error('no RSA key')
  return derSequence(der(0x02, Uint8Array.of(0), modulus.contents), exponent.raw)
}

export const longLength: Respell = (key) => Buffer.concat([Uint8Array.of(0x30, 0x83, 0), key.subarray(2)])

export const compressed: Respell = (key) =>
  Buffer.concat([Uint8Array.of(2 + ((key.at(-1) ?? 0) & 1)), key.subarray(1, 33)])

export const hybrid: Respell = (key) => Buffer.concat([Uint8Array.of(6 + ((key.at(-1) ?? 0) & 1)), key.subarray(1)])
