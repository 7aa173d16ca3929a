/**
 * Judges artifacts by the site's policy, before anything of them moves. Loaded where a policy is named: a run without one
 * starts without signatures, policies and YAML.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import type { Graph, OrderedArtifact } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { pluginFinder } from '../../signature/index.ts'
import {
  basisOf,
  certificateFacts,
  judgeWith,
  type CertificateFacts,
  type JudgeMeans,
  type TrustMaterial,
} from '../../trust/index.ts'
import { isAuthentic, refusalKey, type JudgedArtifact } from './artifact-verdicts.ts'
import type { PluginPlace } from './plugin-place.ts'
import { carriedSignatures, type ReadEnvelope } from '../trust/found-signatures.ts'
import { namesCarried, otherDigest, withoutDenied } from '../revocation/denied-within.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import type { Passage } from '../passage/passage.ts'
import { isAccepted } from '../passage/passenger.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'
import { serialPlugins } from '../run/serial-plugins.ts'
import { SideBySide } from '../run/side-by-side.ts'
import type { InformationReport } from '../passage/trust-information.ts'
import { verdictReport } from './report.ts'

/** Source repository → the name that policies know it by: where it goes. */
export type ScopeOf = (repository: string) => string

export interface JudgeOptions extends RunOptions {
  /** The policy folder. */
  policy: string
  /** Where plugins are that signatures may name; without it such a signature is inconclusive. */
  plugins?: PluginPlace | undefined
  now: Date
  scopeOf: ScopeOf
  read: (repository: string) => ReadEnvelope
  /** What is known of revocations; nothing by default, so that of a certificate that may be revoked it is unknown. */
  known?: KnownRevocations | undefined
  /** Is told what there is to remember, so that a later change finds the artifacts it touches. */
  remember?: Remembered | undefined
}

/** What verdicts rest on. */
export interface Remembered {
  /** By SHA-256, of the signatures whose signer some statement knows. */
  certificates: Map<string, CertificateFacts>
  /** By scope, of what the policy asks there. */
  bases: Map<string, Digest>
  /** That judged: a run goes by the policy that stood at its start. */
  material?: TrustMaterial
}

/** What a judge may ask for help. */
export function meansOf(plugins: PluginPlace | undefined, signal: AbortSignal | undefined): JudgeMeans {
  return plugins === undefined ? {} : { verifyByPlugin: serialPlugins(pluginFinder({ ...plugins, signal })) }
}

/** The verdict on each artifact, in their order. Throws only what makes judging impossible, never for what is judged. */
export async function judgeArtifacts(
  artifacts: readonly OrderedArtifact[],
  graphs: ReadonlyMap<string, Graph>,
  options: JudgeOptions,
): Promise<JudgedArtifact[]> {
  const { now, scopeOf, read, known = new KnownRevocations() } = options
  const material = openPolicy(options.policy)
  if (options.remember !== undefined) options.remember.material = material
  const means = { ...meansOf(options.plugins, options.signal), ...known.means(material, now) }
  const judge = judgeWith(material, now, means)
  tell(options, { type: 'phase', phase: 'judging signatures' })
  const verdicts = new SideBySide<JudgedArtifact>()
  for (const carried of artifacts) {
    const { repository, root, tags } = carried
    // Lets the threads that prove payload beside this have their next run.
    await breathe()
    checkInterrupted(options)
    const graph = graphs.get(repository)
    const node = graph?.nodes.get(root)
    // What has no verdict would count as trusted.
    if (graph === undefined || node === undefined) throw new TypeError(`${repository}@${root} is not carried`)
    const signatures = await carriedSignatures(graph, root, read(repository), options)
    const { mediaType, digest, size } = node.descriptor
    const artifact = { mediaType, digest, size }
    // A denial names what is denied by either hash.
    const aliases = known.anyDenials ? [otherDigest(digest, node.bytes)] : []
    const scope = scopeOf(repository)
    if (options.remember?.bases.has(scope) === false) {
      const basis = basisOf(material, scope)
      if (basis !== undefined) options.remember.bases.set(scope, basis.digest)
    }
    const query = { artifact, scope, origin: repository, signatures, aliases }
    const held = signatures.reduce((sum, { envelope }) => sum + (envelope?.length ?? 0), 0)
    await verdicts.begin(held, async () => {
      const names = known.anyDenials ? namesCarried(graph, carried) : []
      const verdict = withoutDenied(await judge.artifact(query), names, known)
      for (const facts of certificateFacts(verdict.signatures.filter(isAuthentic)))
        options.remember?.certificates.set(facts.sha256, facts)
      return { ...verdictReport(verdict), repository, tags }
    })
  }
  return verdicts.all()
}

/** What a bundle and its accepted passengers carry on revocation: it proves itself, or a channel of its own speaks for it. */
function revocationPieces({
  revocation,
  passengers = [],
}: Partial<Pick<Passage, 'revocation' | 'passengers'>>): { repository: string; digest: Digest }[] {
  const aboard = passengers.filter(isAccepted).map((passenger) => passenger.revocation)
  return [revocation, ...aboard].flatMap((information) => information?.items ?? [])
}

/** The verdicts on what a bundle carries, by what its law holds; on what informs, or proves itself, there is none. */
export function judgePassage(
  passage: Pick<Passage, 'census' | 'law'> & Partial<Pick<Passage, 'revocation' | 'passengers'>>,
  information: readonly InformationReport[],
  options: Omit<JudgeOptions, 'read'>,
): Promise<JudgedArtifact[]> {
  const { census, law } = passage
  const graphs = new Map(census.repositories.map(({ graph }) => [graph.repository, graph]))
  const read = envelopesIn(law)
  const informs = new Set([...information, ...revocationPieces(passage)].map((item) => refusalKey(item)))
  const judged = census.content.artifacts.filter(
    ({ repository, root }) => !informs.has(refusalKey({ repository, digest: root })),
  )
  return judgeArtifacts(judged, graphs, { ...options, read: () => read })
}

/** Envelopes as the law of a bundle holds them; those over 32 MiB are payload, and no signature. */
function envelopesIn(law: ReadonlyMap<Digest, Uint8Array>): ReadEnvelope {
  return async ({ digest }) => {
    const bytes = law.get(digest)
    if (bytes !== undefined) return bytes
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'bundle',
      subject: digest,
      detail: 'a signature envelope over 32 MiB',
    })
  }
}
