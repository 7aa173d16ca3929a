/** All that a site has decided to believe, read from the files of one policy folder. */
import { createHash } from 'node:crypto'
import { parseJson, type Json } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { Certificate } from '../signature/index.ts'
import { readBlobPolicy, type BlobPolicy } from './blob-policy.ts'
import { faultOf, reporter, type Finding, type Reporter } from './finding.ts'
import { readOciPolicy, type OciPolicy } from './oci-policy.ts'
import { PLAIN_REVOCATION, type RevocationPolicy } from './revocation-policy.ts'
import { readSitePolicy, type SitePolicy } from './site-policy.ts'
import type { StoreName } from './store-name.ts'
import { readStoreFile, STORE_FOLDER } from './trust-store.ts'

export interface TrustMaterial {
  /** `trustpolicy.oci.json` or `trustpolicy.json`; without one every repository is refused. */
  policy?: OciPolicy
  blobPolicy?: BlobPolicy
  /** `policy.yaml`. */
  site?: SitePolicy
  /** Of policy.yaml, or what holds without. */
  revocation: RevocationPolicy
  /** Presence in a store grants nothing until a statement names the store. */
  stores: ReadonlyMap<StoreName, readonly Certificate[]>
  /** SHA-256 over names, lengths and bytes of all files, sorted by name: equal digests, equal verdicts at equal `now`. */
  digest: Digest
}

/** The files of a policy folder that say whom to believe, beside its stores. */
export const POLICY_FILE = {
  oci: 'trustpolicy.oci.json',
  /** Of the same policy: the name that every version of notation reads. */
  older: 'trustpolicy.json',
  blob: 'trustpolicy.blob.json',
  site: 'policy.yaml',
} as const
export const POLICY_FILES: readonly string[] = Object.values(POLICY_FILE)
/** Names one slip away from a known one: ignoring such a file would ignore what it demands. */
const NEAR_MISS = /^(?:trust[-_.]?polic(?:y|ies)\b.*|polic(?:y|ies)(?:\..*)?|trust[-_.]?stores?(?:\/.*)?)$/i
const POLICY_CAP = 4 * 1024 * 1024
/** Ten thousand statements have half of it; that of all that 4 MiB can hold is gigabytes. */
const POLICY_VALUES = 256 * 1024

function readDocument(bytes: Uint8Array, report: Reporter): Json | undefined {
  try {
    return parseJson(bytes, 'state', 'policy', POLICY_VALUES)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    report.error('', error.message)
    return undefined
  }
}

function digestOfFiles(files: readonly (readonly [string, Uint8Array])[]): Digest {
  const hash = createHash('sha256')
  for (const [name, bytes] of files) hash.update(`${name}\0${bytes.length}\0`).update(bytes)
  return `sha256:${hash.digest('hex')}`
}

/**
 * Everything that is the matter with the files of a policy folder, and the material when no finding is an error.
 * @param files - by path inside the folder, with `/`; paths that are neither policy nor store are not looked at
 * @param now - when given, store certificates outside their dates and stores that are missing become warnings
 *
 * The caller reads regular files only: a symbolic link in a store is for the caller to refuse. What one call has read
 * stays as it is, so a policy that changes under a run changes nothing in it.
 */
export function checkTrustMaterial(
  files: ReadonlyMap<string, Uint8Array>,
  now?: Date,
): { material?: TrustMaterial; findings: Finding[] } {
  const findings: Finding[] = []
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const used = sorted.filter(([name]) => POLICY_FILES.includes(name) || name.startsWith(STORE_FOLDER))
  for (const [name, bytes] of sorted) {
    const report = reporter(findings, name, 'POLICY_MALFORMED')
    if (!POLICY_FILES.includes(name) && !name.startsWith(STORE_FOLDER) && NEAR_MISS.test(name))
      report.error('', 'not a name that is read: policy.yaml, trustpolicy[.oci|.blob].json, truststore/')
    if (POLICY_FILES.includes(name) && bytes.length > POLICY_CAP) report.error('', `over ${POLICY_CAP} bytes`)
  }
  if (findings.length > 0) return { findings }

  const [newer, older] = [files.get(POLICY_FILE.oci), files.get(POLICY_FILE.older)]
  // Stops two verifiers of one folder that go by different policies: older notation reads the older name alone.
  if (newer !== undefined && older !== undefined && !Buffer.from(newer).equals(older))
    reporter(findings, POLICY_FILE.older, 'POLICY_MALFORMED').error(
      '',
      `differs from ${POLICY_FILE.oci}: keep one of them`,
    )
  const read = <T>(name: string, reader: (value: Json, report: Reporter) => T | undefined): T | undefined => {
    const bytes = files.get(name)
    if (bytes === undefined) return undefined
    const report = reporter(findings, name, 'POLICY_MALFORMED')
    const value = readDocument(bytes, report)
    return value === undefined ? undefined : reader(value, report)
  }
  const policyName = newer === undefined ? POLICY_FILE.older : POLICY_FILE.oci
  const policy = read(policyName, readOciPolicy)
  const blobPolicy = read(POLICY_FILE.blob, readBlobPolicy)
  const siteBytes = files.get(POLICY_FILE.site)
  const site =
    siteBytes === undefined
      ? undefined
      : readSitePolicy(siteBytes, policy, reporter(findings, POLICY_FILE.site, 'POLICY_MALFORMED'))
  const stores = readStores(used, findings, now)
  if (now !== undefined) {
    if (policy === undefined && blobPolicy === undefined && findings.length === 0)
      reporter(findings, POLICY_FILE.oci, 'POLICY_MALFORMED').warning(
        '',
        'there is no trust policy: every artifact is refused',
      )
    reportAbsent(policy, stores, reporter(findings, policyName, 'POLICY_MALFORMED'))
    reportAbsent(blobPolicy, stores, reporter(findings, POLICY_FILE.blob, 'POLICY_MALFORMED'))
  }
  if (findings.some(({ severity }) => severity === 'error')) return { findings }
  const revocation = site?.revocation ?? PLAIN_REVOCATION
  const material: TrustMaterial = { revocation, stores, digest: digestOfFiles(used) }
  if (policy !== undefined) material.policy = policy
  if (blobPolicy !== undefined) material.blobPolicy = blobPolicy
  if (site !== undefined) material.site = site
  return { material, findings }
}

function readStores(
  files: readonly (readonly [string, Uint8Array])[],
  findings: Finding[],
  now: Date | undefined,
): Map<StoreName, Certificate[]> {
  const stores = new Map<StoreName, Certificate[]>()
  for (const [name, bytes] of files) {
    if (!name.startsWith(STORE_FOLDER)) continue
    const file = readStoreFile(name, bytes, reporter(findings, name, 'TRUST_STORE_MALFORMED'), now)
    if (file === undefined) continue
    const held = stores.get(file.store)
    if (held === undefined) stores.set(file.store, [...file.certificates])
    else held.push(...file.certificates)
  }
  return stores
}

function reportAbsent(
  policy: OciPolicy | BlobPolicy | undefined,
  stores: ReadonlyMap<StoreName, readonly Certificate[]>,
  report: Reporter,
): void {
  for (const [i, statement] of (policy?.statements ?? []).entries())
    for (const [j, store] of statement.stores.entries())
      if (!stores.has(store))
        report.warning(
          `trustPolicies[${i}].trustStores[${j}]`,
          `${store} holds no certificate: nobody is believed by it`,
        )
}

/**
 * The material in the files of a policy folder; paths as in {@link checkTrustMaterial}.
 * Throws POLICY_MALFORMED or TRUST_STORE_MALFORMED with the first thing that is wrong, as `file:place`.
 */
export function readTrustMaterial(files: ReadonlyMap<string, Uint8Array>): TrustMaterial {
  const { material, findings } = checkTrustMaterial(files)
  const first = findings.find(({ severity }) => severity === 'error')
  if (first !== undefined) throw faultOf(first)
  if (material === undefined) throw new SallyportError('INTERNAL', { side: 'state' })
  return material
}
