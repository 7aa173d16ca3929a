/** Trust information as `inspect --trust` shows it: who delegated to whom, for what, until when; stores; policies. */
import type { Delegation } from '../../ca/index.ts'
import { distinguishedNameText, type Certificate } from '../../signature/index.ts'
import type { Level, TrustMaterial } from '../../trust/index.ts'
import { timeText } from '../run/run.ts'
import type { CarriedChain, Chain } from '../trust/document.ts'
import type { InformationReport, TrustInformation } from './trust-information.ts'

export interface ShownCertificate {
  subject: string
  /** `sha256:` and hex. Who believes it must have it from its owner, never from here. */
  fingerprint: string
  notBefore: string
  notAfter: string
  validity: 'valid' | 'expired' | 'not yet valid'
}

export interface TreeCertificate extends ShownCertificate {
  /** Below the topmost certificate of its chain. */
  depth: number
  /** What its issuer's signed record says; null where none is carried. */
  delegation: Pick<Delegation, 'kind' | 'purpose' | 'scope' | 'pathLength' | 'crlUrl'> | null
  /** What carried signatures use it for: the signer, or the authority of a timestamp. */
  signs: CarriedChain['purpose'][]
}

export interface ShownStatement {
  file: 'oci' | 'blob'
  name: string
  level: Level
  /** Repositories at the sender's destination; of a blob statement `*` when it is the global one. */
  scopes: string[]
  stores: string[]
  identities: string[]
}

export interface TrustTree {
  repository: string
  items: InformationReport[]
  /** What lies there and is no trust information. */
  faults: TrustInformation['faults']
  /** Each followed by what it issued. */
  certificates: TreeCertificate[]
  stores: { store: string; anchors: ShownCertificate[] }[]
  statements: ShownStatement[]
  /** Of a policy.yaml: how many of which statements a scope asks for. */
  requirements: { scope: string; count: number; of: string[]; trace: string[]; requireOrigin: boolean }[]
}

function shown({ subject, sha256, notBefore, notAfter }: Certificate, now: Date): ShownCertificate {
  return {
    subject: distinguishedNameText(subject),
    fingerprint: `sha256:${sha256}`,
    notBefore: timeText(notBefore),
    notAfter: timeText(notAfter),
    validity: now < notBefore ? 'not yet valid' : now > notAfter ? 'expired' : 'valid',
  }
}

interface Branch {
  certificate: Certificate
  delegation: TreeCertificate['delegation']
  signs: Set<CarriedChain['purpose']>
  below: Map<string, Branch>
}

/** The branch of a chain's own certificate. A tree of chains, not of issuers: it never grows beyond what was carried. */
function grow(roots: Map<string, Branch>, chain: Chain): Branch {
  let level = roots
  let branch: Branch | undefined
  for (const certificate of chain.toReversed()) {
    branch = level.get(certificate.sha256) ?? { certificate, delegation: null, signs: new Set(), below: new Map() }
    level.set(certificate.sha256, branch)
    level = branch.below
  }
  if (branch === undefined) throw new TypeError('an empty chain')
  return branch
}

function flat(level: ReadonlyMap<string, Branch>, now: Date, depth = 0): TreeCertificate[] {
  const named = [...level.values()].map((branch) => ({ branch, own: shown(branch.certificate, now) }))
  const sorted = named.sort((a, b) =>
    `${a.own.subject}\n${a.own.fingerprint}` < `${b.own.subject}\n${b.own.fingerprint}` ? -1 : 1,
  )
  return sorted.flatMap(({ branch, own }) => [
    { ...own, depth, delegation: branch.delegation, signs: [...branch.signs].sort() },
    ...flat(branch.below, now, depth + 1),
  ])
}

function treeOf({ delegations, chains }: TrustInformation, now: Date): TreeCertificate[] {
  const roots = new Map<string, Branch>()
  for (const { purpose, chain } of chains) grow(roots, chain).signs.add(purpose)
  for (const { chain, delegation } of delegations) {
    const { kind, purpose, scope, pathLength, crlUrl } = delegation
    grow(roots, chain).delegation = { kind, purpose, scope, pathLength, crlUrl }
  }
  return flat(roots, now)
}

function statementsOf(material: TrustMaterial | undefined): ShownStatement[] {
  const oci = (material?.policy?.statements ?? []).map((statement) => ({ file: 'oci' as const, ...statement }))
  const blob = (material?.blobPolicy?.statements ?? []).map((statement) => ({
    file: 'blob' as const,
    ...statement,
    scopes: statement.global ? ['*'] : [],
  }))
  return [...oci, ...blob].map(({ file, name, level, scopes, stores, identities }) => ({
    file,
    name,
    level,
    scopes: [...scopes],
    stores: [...stores],
    identities: identities.map(({ text }) => text),
  }))
}

/** The tree, in time and size bounded by what the bundle carries. */
export function trustTree(information: TrustInformation, now: Date): TrustTree {
  const { repository, items, faults, material } = information
  return {
    repository,
    items,
    faults,
    certificates: treeOf(information, now),
    stores: [...(material?.stores ?? [])].map(([store, anchors]) => ({
      store,
      anchors: anchors.map((anchor) => shown(anchor, now)),
    })),
    statements: statementsOf(material),
    requirements: (material?.site?.scopes ?? []).map(({ pattern, require, trace, requireOrigin }) => ({
      scope: pattern,
      count: require?.count ?? 0,
      of: (require?.of ?? []).map(({ name }) => name),
      trace: trace.map(({ name }) => name),
      requireOrigin,
    })),
  }
}
