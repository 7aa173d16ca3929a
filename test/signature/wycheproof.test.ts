import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { holds, verifyPrimitive, type SignatureAlgorithm } from '../../src/signature/algorithm.ts'
import { wycheproofFolder } from '../peers/setup/peer-data.ts'

interface Group {
  publicKeyDer: string
  sha: string
  mgf?: string
  mgfSha?: string
  sLen?: number
  keySize?: number
  tests: { tcId: number; comment: string; msg: string; sig: string; result: 'valid' | 'invalid' | 'acceptable' }[]
}

interface Count {
  accepted: number
  refused: number
  acceptable: number
}

const HASHES = { 'SHA-256': ['256', 32], 'SHA-384': ['384', 48], 'SHA-512': ['512', 64] } as const
const BOUND = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
  PS256: 2048,
  PS384: 3072,
  PS512: 4096,
} as const

/** The algorithm whose hash, mask and salt a group has, whatever its key; undefined when none has. */
function algorithmOf(group: Group): SignatureAlgorithm | undefined {
  const [bits, size] = HASHES[group.sha as keyof typeof HASHES] ?? []
  if (bits === undefined) return undefined
  if (group.mgf === undefined) return `ES${bits}`
  return group.mgf === 'MGF1' && group.mgfSha === group.sha && group.sLen === size ? `PS${bits}` : undefined
}

function isBound(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  // rsa-pss keys have the sizes too, but are of no kind that a Notary certificate may have.
  return key.asymmetricKeyType !== 'rsa-pss' && BOUND[algorithm] === (namedCurve ?? modulusLength)
}

describe('signature/wycheproof', function () {
  let groups: (Group & { file: string; key: KeyObject })[]

  before(function () {
    const folder = wycheproofFolder(this)
    groups = readdirSync(folder)
      .filter((file) => /^(ecdsa|rsa_pss)_/.test(file))
      .flatMap((file) => {
        const { testGroups } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { testGroups: Group[] }
        return testGroups.flatMap((group) => {
          try {
            return [
              {
                ...group,
                file,
                key: createPublicKey({ key: Buffer.from(group.publicKeyDer, 'hex'), format: 'der', type: 'spki' }),
              },
            ]
          } catch {
            // A curve that OpenSSL does not know: a certificate with such a key is not read at all.
            return []
          }
        })
      })
  })

  /** Runs a verifier over the groups, and compares with the verdict of the vectors. */
  function run(
    chosen: typeof groups,
    accepts: (group: (typeof groups)[number], msg: Buffer, sig: Buffer) => boolean,
  ): Count {
    const count = { accepted: 0, refused: 0, acceptable: 0 }
    for (const group of chosen)
      for (const { tcId, msg, sig, result } of group.tests) {
        const accepted = accepts(group, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
        if (result === 'acceptable') count.acceptable += 1
        else assert.equal(accepted, result === 'valid', `${group.file} ${tcId}`)
        if (accepted) count.accepted += 1
        else count.refused += 1
      }
    return count
  }

  it('agrees about every vector of a key with its own algorithm', () => {
    const chosen = groups.filter((group) => {
      const algorithm = algorithmOf(group)
      return algorithm !== undefined && isBound(group.key, algorithm)
    })
    const count = run(chosen, (group, msg, sig) => verifyPrimitive(algorithmOf(group) ?? 'PS256', group.key, msg, sig))
    assert.deepEqual(count, { accepted: 793, refused: 355, acceptable: 0 })
  })

  it('agrees about RSA-PSS of every size with every hash', () => {
    const chosen = groups.filter(
      (group) => algorithmOf(group)?.startsWith('PS') === true && [2048, 3072, 4096].includes(group.keySize ?? 0),
    )
    const count = run(chosen, (group, msg, sig) => holds(algorithmOf(group) ?? 'PS256', group.key, msg, sig))
    assert.deepEqual(count, { accepted: 775, refused: 411, acceptable: 0 })
  })

  it('accepts no vector for a key with another algorithm, hash, mask or salt', () => {
    let refused = 0
    for (const group of groups)
      for (const algorithm of Object.keys(BOUND) as SignatureAlgorithm[]) {
        if (algorithmOf(group) === algorithm && isBound(group.key, algorithm)) continue
        for (const { tcId, comment, msg, sig } of group.tests) {
          const accepted = verifyPrimitive(algorithm, group.key, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'))
          // One "modified" salt is, for the other algorithm, the right one.
          const proper = group.file === 'rsa_pss_2048_sha256_mgf1_0_test.json' && comment === 's_len changed to 32'
          assert.equal(accepted, proper && algorithm === 'PS256', `${group.file} ${tcId} as ${algorithm}`)
          if (!accepted) refused += 1
        }
      }
    assert.equal(refused, 65_121)
  })
})
