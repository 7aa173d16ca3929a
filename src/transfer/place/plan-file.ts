/** The plan file: what is exported, from where, for whom (YAML; every fault is named with its line and column). */
import { Lexer, LineCounter, parseDocument } from 'yaml'
import * as z from 'zod'
import { MAX_PASSENGERS } from '../../bundle/index.ts'
import { isSiteName, readYaml, SITE_NAME_RULE } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { isTag } from '../../oci/index.ts'
import { isDestination } from './naming.ts'
import { rememberPlaces } from './plan-place.ts'

const PLAN_CAP = 4 * 1024 * 1024

/** A text. YAML makes a number of a tag 1.10, and 1.1 of that: nobody can tell which of them was meant. */
const words = z.string({
  error: ({ input }) =>
    typeof input === 'number' || typeof input === 'boolean' ? 'a text: put it in quotes' : undefined,
})
const site = words.refine(isSiteName, SITE_NAME_RULE)
const destination = words.refine(isDestination, 'no path of a repository')
const tag = words.refine(isTag, 'not a tag')
const platform = words.regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9.]+)?$/, 'a platform is os/arch or os/arch/variant')

const artifact = z.strictObject({
  /** `host/repo`, `host/repo:tag`, `host/repo@digest`, `oci:DIR`, `oci:FILE.tar`. */
  ref: words.min(1).max(4096),
  tags: z.array(tag).min(1).optional(),
  /** A glob over the repository's tags; `*` takes all. */
  tagPattern: words.min(1).max(256).optional(),
  platforms: z.array(platform).min(1).optional(),
  referrers: z.enum(['all', 'signatures', 'none']).default('all'),
})

const folder = words.min(1).max(4096)

const trust = z.strictObject({
  /** A policy folder: its stores and its policies. */
  policy: folder.optional(),
  /** Folders of certificates, as `ca init` makes them: records and certificates, never keys. */
  delegations: z.array(folder).min(1).max(100).optional(),
  /** Every certificate chain in the carried signatures. */
  chains: z.boolean().default(true),
})

const revocation = z.strictObject({
  /** By default `folder` when `from` names one, else `network`. */
  collect: z.enum(['network', 'folder', 'none'], 'it is network, folder or none').optional(),
  /** A folder of lists and OCSP answers, whatever its files are called. */
  from: folder.optional(),
  /** What may be lacking: addresses as certificates spell them, and issuers by the SHA-256 of their public key. */
  accept: z.array(words.min(1).max(4096)).max(1000).default([]),
  /** When the next bundle is planned: what goes stale before is named. */
  nextBundle: words.regex(/^[1-9][0-9]{0,3}[dh]$/, 'a span is 1 to 9999 days or hours: 7d, 12h').default('7d'),
  /** Also dials this machine and private networks. */
  allowPrivate: z.boolean().default(false),
  /** Files of further certificates, each with all of its issuers. */
  chains: z.array(folder).max(1000).default([]),
})

const schema = z.strictObject({
  channel: words.optional(),
  audience: z.array(site).min(1).optional(),
  map: z.array(z.strictObject({ from: words.min(1), to: destination })).default([]),
  artifacts: z.array(artifact).default([]),
  /** Whom the sender trusts, and who delegated to whom; it rides along to inform. */
  trust: trust.optional(),
  /** Lists and OCSP answers for the chains of all signatures; what they are, and where they come from. */
  revocation: revocation.optional(),
  /** Bundle files of other channels that ride along; `revocation collect`, which makes such a one, leaves them out. */
  passengers: z.array(folder).min(1).max(MAX_PASSENGERS).optional(),
})

export type Plan = z.output<typeof schema>
export type PlanArtifact = Plan['artifacts'][number]
export type PlanTrust = NonNullable<Plan['trust']>
export type PlanRevocation = NonNullable<Plan['revocation']>

/** Where lists come from, by the plan. */
export function collectMode({ collect, from }: PlanRevocation): 'network' | 'folder' | 'none' {
  return collect ?? (from === undefined ? 'network' : 'folder')
}

function malformed(subject: string, detail: string, cause?: unknown): SallyportError {
  return new SallyportError('PLAN_MALFORMED', { side: 'source', subject, detail, cause })
}

/** The plan in a YAML text. `name` is the file as errors name it. Throws PLAN_MALFORMED as `name:line:column`. */
export function parsePlan(text: string, name: string): Plan {
  if (text.length > PLAN_CAP) throw malformed(name, `over ${PLAN_CAP} characters`)
  const yaml = { Lexer, LineCounter, parseDocument }
  const { document, faults } = readYaml(text, yaml)
  if (document === undefined) throw malformed(`${name}:${faults[0].place}`, faults[0].detail, faults[0].cause)
  const at = (path: readonly PropertyKey[]): string => `${name}:${document.placeOf(path)}`
  const result = schema.safeParse(document.value)
  if (!result.success) {
    const issue = result.error.issues[0]
    const path = issue?.path ?? []
    const key = issue?.code === 'unrecognized_keys' ? [...path, issue.keys[0] ?? ''] : path
    throw malformed(at(key), `${path.join('.')}${path.length > 0 ? ': ' : ''}${issue?.message ?? ''}`)
  }
  for (const [i, { tags, tagPattern }] of result.data.artifacts.entries()) {
    if (tags === undefined || tagPattern === undefined) continue
    throw malformed(at(['artifacts', i, 'tagPattern']), 'tags and tagPattern exclude each other')
  }
  const carried = result.data.trust
  if (carried?.chains === false && carried.policy === undefined && carried.delegations === undefined)
    throw malformed(at(['trust']), 'trust names nothing to carry')
  const { artifacts, revocation: wanted } = result.data
  const carries =
    (wanted?.chains ?? []).length > 0 || carried?.policy !== undefined || carried?.delegations !== undefined
  if (artifacts.length === 0 && !carries) throw malformed(at(['artifacts']), 'artifacts names nothing')
  if (wanted !== undefined && (collectMode(wanted) === 'folder') !== (wanted.from !== undefined))
    throw malformed(at(['revocation', 'collect']), 'from goes with collect: folder')
  // The text is kept, and not the document, which takes some ten times as much.
  rememberPlaces(result.data, (path) => `${name}:${readYaml(text, yaml).document?.placeOf(path) ?? '1:1'}`)
  return result.data
}
