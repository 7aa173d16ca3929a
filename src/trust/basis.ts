/** What a policy asks of a repository, as one digest: as long as it stays, verdicts there stay, whatever else changes. */
import { createHash } from 'node:crypto'
import type { Digest } from '../oci/index.ts'
import { applicablePolicy } from './applicable.ts'
import type { TrustMaterial } from './material.ts'

export interface Basis {
  /** Over statements, thresholds, algorithms and terms of revocation; over no store. */
  digest: Digest
  /** SHA-256 of the anchors that the statements name, hex: a verdict also hangs on the one that its chain leads to. */
  anchors: ReadonlySet<string>
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Set ? [...value].sort() : value
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
  const anchors = (require?.of ?? []).flatMap(({ statement }) =>
    statement.stores.flatMap((store) => material.stores.get(store) ?? []),
  )
  return {
    digest: `sha256:${createHash('sha256').update(JSON.stringify(asked, plain)).digest('hex')}`,
    anchors: new Set(anchors.map(({ sha256 }) => sha256)),
  }
}
