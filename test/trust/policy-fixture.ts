/** Policy folders, and judging by them. */
import assert from 'node:assert/strict'
import { encodePem } from '../../src/codec/index.ts'
import type { Code } from '../../src/errors/index.ts'
import type { Certificate } from '../../src/signature/index.ts'
import {
  judgeArtifact,
  readTrustMaterial,
  type ArtifactVerdict,
  type FoundSignature,
  type JudgeTerms,
  type TrustMaterial,
  type Verdict,
} from '../../src/trust/index.ts'
import { ARTIFACT, NOW, SCOPE, type Holder } from './pki-fixture.ts'

export type Files = Map<string, Uint8Array>

/** A strict statement for every repository that looks at no revocation; members laid over it, undefined takes one away. */
export function statement(over: Record<string, unknown> = {}): Record<string, unknown> {
  const whole = {
    name: 'acme-images',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    trustStores: ['ca:acme'],
    trustedIdentities: ['*'],
    ...over,
  }
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
}

export function document(...statements: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ version: '1.0', trustPolicies: statements }, null, 2))
}

/** `{'ca:acme': [root]}` as the files of a trust store. */
export function storeFiles(stores: Readonly<Record<string, readonly (Holder | Certificate)[]>>): [string, Buffer][] {
  return Object.entries(stores).map(([store, holders]) => {
    const pem = holders.map((holder) => encodePem('CERTIFICATE', 'der' in holder ? holder.der : holder.certificate.der))
    return [`truststore/x509/${store.replace(':', '/')}/roots.pem`, Buffer.from(pem.join(''))]
  })
}

/** The files of a policy folder. */
export function folder(
  statements: readonly unknown[],
  stores: Readonly<Record<string, readonly (Holder | Certificate)[]>> = {},
  site?: string,
): Files {
  const files: Files = new Map(storeFiles(stores))
  files.set('trustpolicy.json', document(...statements))
  if (site !== undefined) files.set('policy.yaml', Buffer.from(site))
  return files
}

export function material(...terms: Parameters<typeof folder>): TrustMaterial {
  return readTrustMaterial(folder(...terms))
}

/** The verdict on the artifact at {@link SCOPE}. */
export function judge(
  by: TrustMaterial,
  signatures: readonly FoundSignature[],
  terms: Partial<JudgeTerms> = {},
): Promise<ArtifactVerdict> {
  return judgeArtifact({ artifact: ARTIFACT, scope: SCOPE, signatures, material: by, now: NOW, ...terms })
}

/** Asserts a verdict with its code, and what every verdict must have. */
export function assertVerdict(verdict: Omit<ArtifactVerdict, 'digest'>, wanted: Verdict, code?: Code): void {
  assert.deepEqual([verdict.verdict, verdict.code], [wanted, code], verdict.why)
  assert.notEqual(verdict.why, '')
  assert.equal(verdict.remedy === undefined, code === undefined)
}
