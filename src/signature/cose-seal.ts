/** Writes the COSE envelope that {@link readCose} reads. */
import { CborTag, type Cbor, type CborLabel, type CborMap } from './cbor.ts'
import { writeCbor } from './cbor-write.ts'
import { ALG, ALGORITHMS, CHAIN, CONTENT_TYPE, CRIT, SIGN1, signatureStructure, TIMES } from './cose.ts'
import type { OpenSeal, SealParts } from './envelope-parts.ts'
import { AGENT, TIMESTAMP, writeAttributes } from './headers.ts'
import { PAYLOAD_TYPE } from './payload.ts'

/** What is to be signed, and how the envelope is written once it is: deterministic, as go-cose writes it. */
export function writeCose(terms: SealParts): OpenSeal {
  const { attributes, crit } = writeAttributes(terms, TIMES)
  const label = [...ALGORITHMS].find(([, name]) => name === terms.algorithm)?.[0] as number
  const header = writeCbor(
    new Map<CborLabel, Cbor>([
      [ALG, label],
      [CRIT, crit],
      [CONTENT_TYPE, PAYLOAD_TYPE],
      ...(attributes as Map<string, Cbor>),
    ]),
  )
  const close = (signature: Buffer, timestamp?: Buffer): Buffer => {
    const unprotected: CborMap = new Map<CborLabel, Cbor>([[CHAIN, [...terms.chain]]])
    if (timestamp !== undefined) unprotected.set(TIMESTAMP, timestamp)
    if (terms.agent !== undefined) unprotected.set(AGENT, terms.agent)
    return writeCbor(new CborTag(SIGN1, [header, unprotected, terms.payload, signature]))
  }
  return { toBeSigned: signatureStructure(header, terms.payload), close }
}
