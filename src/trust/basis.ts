/** What a policy asks of a repository, as one digest: as long as it stays, verdicts there stay, whatever else changes. */
import { createHash } from 'node:crypto'
import type { Digest } from '../oci/index.ts'
import { applicablePolicy } from './applicable.ts'
import { anchorsOf } from './authenticity.ts'
import type { TrustMaterial } from './material.ts'
import type { Statement } from './statement.ts'
import { storeKind, type StoreKind } from './store-name.ts'

/** SHA-256 of anchors, hex, by the kind of their stores; an empty set for a kind of which one store is empty. */
export type StatementAnchors = ReadonlyMap<StoreKind, ReadonlySet<string>>

export interface Basis {
  /** Over statements, thresholds, algorithms and terms of revocation; over no store. */
  digest: Digest
  /**
   * By the name of a required statement: a verdict also hangs on what its chains lead to. One set for all statements would
   * not do: what was taken out of one store may stand in that of another.
   */
  anchors: ReadonlyMap<string, StatementAnchors>
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Set ? [...value].sort() : value
}

function anchorsByKind(statement: Statement, material: TrustMaterial): StatementAnchors {
  const kinds = new Set(statement.stores.map(storeKind))
  return new Map(
    [...kinds].map((kind) => {
      const found = anchorsOf(statement, kind, material)
      return [kind, new Set('fault' in found ? [] : found.anchors.map(({ sha256 }) => sha256))]
    }),
  )
}

/** The basis of verdicts on a repository; undefined where no policy speaks for it. */
export function basisOf(material: TrustMaterial, scope: string): Basis | undefined {
  const applicable = applicablePolicy(material, scope)
  if (applicable === undefined) return undefined
  const { require, requireOrigin } = applicable
  const { maxStaleness, mustHave, timestampCounts } = material.revocation
  const asked = {
    require,
    requireOrigin,
    algorithms: material.site?.algorithms ?? {},
    revocation: { maxStaleness, mustHave, timestampCounts },
  }
  return {
    digest: `sha256:${createHash('sha256').update(JSON.stringify(asked, plain)).digest('hex')}`,
    anchors: new Map((require?.of ?? []).map(({ name, statement }) => [name, anchorsByKind(statement, material)])),
  }
}
