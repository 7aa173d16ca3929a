/** What the far side would refuse is refused here, before the trip. */
import type { ReadEnvelope } from '../trust/found-signatures.ts'
import { demandTrusted, placed } from '../verdict/artifact-verdicts.ts'
import { scopesBelow } from '../place/scope.ts'
import { revocationRepository } from '../revocation/path.ts'
import { judgingTime } from '../run/clock.ts'
import { nowOf } from '../run/run.ts'
import { trustRepository } from '../trust/path.ts'
import type { ExportCargo } from './cargo.ts'
import type { ExportOptions, ExportTerms } from './terms.ts'

/** Kept when every artifact satisfies the policy, where one is named. Throws as {@link demandTrusted}, and as reading a policy does. */
export async function judgeCargo(
  { repositories, content, revocation }: ExportCargo,
  { folder: { channel } }: ExportTerms,
  options: ExportOptions,
): Promise<void> {
  const { policy, plan } = options
  if (policy === undefined) return
  const now = judgingTime(undefined, { ...options, now: nowOf(options) })
  const [{ judgeArtifacts }, { envelopesOf }] = await Promise.all([
    import('../verdict/judge-carried.ts'),
    import('../trust/found-signatures.ts'),
  ])
  const byName = new Map(repositories.map((repository) => [repository.graph.repository, repository]))
  const graphs = new Map(repositories.map(({ graph }) => [graph.repository, graph]))
  const scopes = scopesBelow(options.destination)
  const read = (name: string): ReadEnvelope => {
    const source = byName.get(name)?.source
    if (source === undefined) throw new TypeError(`no source for ${name}`)
    return envelopesOf(source)
  }
  const scopeOf = (name: string): string => scopes(byName.get(name)?.to ?? name)
  // What this run packed to inform, or what proves itself, is not judged on the far side either.
  const unjudged = [...(plan.trust === undefined ? [] : [trustRepository(channel)]), revocationRepository(channel)]
  const judged = content.artifacts.filter(({ repository }) => !unjudged.includes(repository))
  // By what the far side will know at least: all that rides along.
  const known = revocation && (await (await import('./revocation.ts')).knownFrom(revocation.kept, now))
  const verdicts = await judgeArtifacts(judged, graphs, { ...options, policy, now, scopeOf, read, known })
  demandTrusted(placed(verdicts, options.destination), 'source')
}
