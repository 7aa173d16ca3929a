/** From the plan's references to repositories and tags: registries, layout folders and layout archives alike. */
import { existsSync, statSync } from 'node:fs'
import { openArchive } from '../../bundle/index.ts'
import { openLayout, type Choice, type Layout, type Source } from '../../content/index.ts'
import { detailOf, isFault, SallyportError } from '../../errors/index.ts'
import { isReservedTag, parseReference, repositoryName, type Digest } from '../../oci/index.ts'
import { RegistryClient, type RegistryOptions } from '../../registry/index.ts'
import { interruption } from '../run/run.ts'
import { parseLayoutReference, type LayoutReference } from './layout-reference.ts'
import type { Plan, PlanArtifact } from './plan-file.ts'
import { placeInPlan } from './plan-place.ts'
import { tagsMatching } from './tag-pattern.ts'

/** What the plan takes of one repository by one of its entries. */
export interface Selection {
  source: Source
  tags: string[]
  digests: Digest[]
  /** True when every tag of the repository is meant. */
  complete: boolean
  choice: Choice
}

/** The place in the plan's file of a part of one of its entries; undefined for what was named one by one. */
type At = (...path: (string | number)[]) => string | undefined

function invalid(subject: string, detail: string): SallyportError {
  return new SallyportError('REFERENCE_INVALID', { side: 'source', subject, detail })
}

function tagless(ref: string): SallyportError {
  const file = existsSync(ref) ? `; for the file say oci:${ref}, or --blob where it is no layout` : ''
  return new SallyportError('REFERENCE_INVALID', {
    side: 'source',
    subject: ref,
    detail: 'it names no tag and no digest',
    remedy: `name one: ${ref}:TAG or ${ref}@sha256:…${file}`,
  })
}

export class Sources {
  private readonly client: RegistryClient
  private readonly signal: AbortSignal | undefined
  private readonly repositories = new Map<string, { source: Source; place: string }>()
  private readonly layouts = new Map<string, Layout>()

  /** @param signal - ends what is asked of a registry, in the middle too */
  constructor(options: Omit<RegistryOptions, 'side'>, signal?: AbortSignal) {
    this.signal = interruption(signal)
    this.client = new RegistryClient({ ...options, side: 'source' })
  }

  async close(): Promise<void> {
    for (const layout of this.layouts.values()) layout.close()
    await this.client.close()
  }

  private async layout(path: string): Promise<Layout> {
    let layout = this.layouts.get(path)
    if (layout === undefined) {
      layout = statSync(path).isDirectory() ? await openLayout(path) : await openArchive(path)
      this.layouts.set(path, layout)
    }
    return layout
  }

  /**
   * The selections of a plan, in its order.
   * @param name - the plan's file, for errors; without it the references were named one by one
   */
  async select(plan: Plan, name?: string): Promise<Selection[]> {
    const selections: Selection[] = []
    for (const [i, artifact] of plan.artifacts.entries()) {
      const at: At = (...path) => placeInPlan(plan, ['artifacts', i, ...path])
      selections.push(
        ...(artifact.ref.startsWith('oci:')
          ? await this.selectLayout(artifact, at)
          : [await this.selectRegistry(artifact, at, name)]),
      )
    }
    return selections
  }

  private registry(host: string, path: string): Source {
    const name = `${host}/${path}`
    return this.known(name, host, () => this.client.source(host, path, this.signal))
  }

  /** One source for each repository. Two places that give one name would be mixed up in the bundle: refused. */
  private known(name: string, place: string, make: () => Source): Source {
    const known = this.repositories.get(name)
    if (known === undefined) {
      const source = make()
      this.repositories.set(name, { source, place })
      return source
    }
    if (known.place === place) return known.source
    throw new SallyportError('TARGET_COLLISION', {
      side: 'source',
      subject: name,
      detail: `it comes from ${known.place} and from ${place}`,
    })
  }

  private async selectRegistry(artifact: PlanArtifact, at: At, name: string | undefined): Promise<Selection> {
    const reference = placed(
      () => parseReference(artifact.ref),
      () => at('ref'),
    )
    const source = this.registry(reference.host, reference.path)
    const tags = [
      ...(reference.tag === undefined || reference.digest !== undefined ? [] : [reference.tag]),
      ...(artifact.tags ?? []),
    ]
    const digests = reference.digest === undefined ? [] : [reference.digest]
    const matched = await matchTags(source, artifact.tagPattern)
    if (tags.length + digests.length + matched.length === 0) {
      if (name === undefined) throw tagless(artifact.ref)
      const detail =
        artifact.tagPattern === undefined
          ? `${artifact.ref} names no tag and no digest; tagPattern "*" takes all`
          : `no tag of ${repositoryName(reference)} matches`
      const subject = at(artifact.tagPattern === undefined ? 'ref' : 'tagPattern') ?? name
      throw new SallyportError('PLAN_MALFORMED', { side: 'source', subject, detail })
    }
    const odd = tags.find((tag) => isReservedTag(tag))
    if (odd !== undefined) {
      const i = artifact.tags?.indexOf(odd) ?? -1
      placed(
        () => refuseCompanion(source.repository, odd),
        () => (i < 0 ? at('ref') : at('tags', i)),
      )
    }
    return {
      source,
      tags: [...new Set([...tags, ...matched])],
      digests,
      complete: artifact.tagPattern === '*',
      choice: choiceOf(artifact),
    }
  }

  private async selectLayout(artifact: PlanArtifact, at: At): Promise<Selection[]> {
    const place = placed(
      () => parseLayoutReference(artifact.ref),
      () => at('ref'),
    )
    const layout = await this.layout(place.path)
    const all = layout.repositories()
    const whole =
      place.tag === undefined &&
      place.digest === undefined &&
      artifact.tags === undefined &&
      artifact.tagPattern === undefined
    // A digest says more than the tag beside it, as it does for registries.
    const named = place.digest === undefined ? place.tag : undefined
    const selections: Selection[] = []
    const holder = await holderOf(layout, place)
    for (const repository of all) {
      const source = this.known(repository, place.path, () => layout.source(repository))
      const present = (await source.tags()).filter((tag) => !isReservedTag(tag))
      const wanted = (tag: string): boolean =>
        whole || tag === named || `${repository}:${tag}` === named || artifact.tags?.includes(tag) === true
      const tags = [...new Set([...present.filter(wanted), ...(await matchTags(source, artifact.tagPattern))])]
      const untagged = whole && repository === all[0] ? layout.unnamed.map(({ digest }) => digest) : []
      const digests = place.digest !== undefined && repository === holder ? [place.digest] : untagged
      if (tags.length + digests.length > 0)
        selections.push({
          source,
          tags,
          digests,
          complete: whole || artifact.tagPattern === '*',
          choice: choiceOf(artifact),
        })
    }
    const has = (wanted: string): boolean =>
      selections.some(({ source, tags }) =>
        tags.some((tag) => tag === wanted || `${source.repository}:${tag}` === wanted),
      )
    const missing = [...(named === undefined ? [] : [named]), ...(artifact.tags ?? [])].find((tag) => !has(tag))
    if (selections.length === 0 || missing !== undefined) {
      throw new SallyportError('MANIFEST_MISSING', {
        side: 'source',
        subject: missing === undefined ? artifact.ref : `oci:${place.path}:${missing}`,
      })
    }
    return selections
  }
}

/**
 * The repository that a digest belongs to: the one that is named beside it, else one that has a tag for it. What no tag
 * names can be had from each; then it is the first. Its name decides which policy is asked, and where a signature is bound.
 */
async function holderOf(layout: Layout, { tag = '', digest }: LayoutReference): Promise<string | undefined> {
  if (digest === undefined) return undefined
  let first: string | undefined
  let tagged: string | undefined
  for (const repository of layout.repositories()) {
    const source = layout.source(repository)
    if ((await source.resolve(digest)) === undefined) continue
    if (tag === repository || tag.startsWith(`${repository}:`)) return repository
    first ??= repository
    if (tagged !== undefined) continue
    for (const name of await source.tags()) if ((await source.resolve(name))?.digest === digest) tagged ??= repository
  }
  return tagged ?? first
}

function choiceOf({ platforms, referrers }: PlanArtifact): Choice {
  return { platforms, referrers }
}

async function matchTags(source: Source, pattern: string | undefined): Promise<string[]> {
  if (pattern === undefined) return []
  // Signature tags and fallback tags follow what they belong to; on their own they are no artifacts.
  const tags = (await source.tags()).filter((tag) => !isReservedTag(tag))
  return tagsMatching(tags, pattern, source.repository)
}

function refuseCompanion(repository: string, tag: string): never {
  throw invalid(`${repository}:${tag}`, 'this tag follows the manifest it belongs to; name that one')
}

/** What `read` gives. Its REFERENCE_INVALID is told of the place in the plan's file where there is one. */
function placed<T>(read: () => T, place: () => string | undefined): T {
  try {
    return read()
  } catch (error) {
    const subject = isFault(error, 'REFERENCE_INVALID') ? place() : undefined
    if (!isFault(error, 'REFERENCE_INVALID') || subject === undefined) throw error
    const { code, side, remedy } = error
    const detail = `${error.subject ?? ''}: ${detailOf(error)}`
    throw new SallyportError(code, { side, subject, detail, remedy, cause: error })
  }
}
