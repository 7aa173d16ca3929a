/** Platforms: which children of an index a choice takes, and whether the index has what was asked for. */
import { platformText, type Descriptor, type Digest, type Platform } from '../oci/index.ts'
import type { Graph } from './graph.ts'

// Buildkit puts attestations beside the images of an index; they name their image here and go where it goes.
const ATTESTED = 'vnd.docker.reference.digest'

function matches(platform: Platform, wanted: readonly string[]): boolean {
  const text = platformText(platform)
  return wanted.some((item) => text === item || text.startsWith(`${item}/`))
}

/** The children of an index that a choice takes, in the order of the index. */
export function chosenChildren(
  manifests: readonly Descriptor[],
  platforms: readonly string[] | undefined,
): Descriptor[] {
  if (platforms === undefined) return [...manifests]
  const taken = new Set<string>()
  // A child without a platform is no image of some platform (a nested index, an artifact): it stays.
  const direct = (child: Descriptor): boolean => child.platform === undefined || matches(child.platform, platforms)
  for (const child of manifests) if (direct(child)) taken.add(child.digest)
  return manifests.filter((child) => taken.has(child.digest) || taken.has(child.annotations?.[ATTESTED] ?? ''))
}

export interface PlatformsFound {
  /** All that the artifact has images for, sorted; none for one without an index. */
  has: string[]
  /** Those of the wanted ones that it has none for. */
  lacks: string[]
}

/** What the artifact under `root` has of these platforms, by its index and the indexes in it that were taken. */
export function platformsFound(graph: Graph, root: Digest, wanted: readonly string[]): PlatformsFound {
  const has = new Map<string, Platform>()
  const seen = new Set<Digest>()
  const open: Digest[] = [root]
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (seen.has(digest)) continue
    seen.add(digest)
    for (const { digest: child, platform, annotations } of graph.nodes.get(digest)?.manifest.manifests ?? []) {
      open.push(child)
      if (platform !== undefined && annotations?.[ATTESTED] === undefined) has.set(platformText(platform), platform)
    }
  }
  const lacks = has.size === 0 ? [] : wanted.filter((item) => ![...has.values()].some((one) => matches(one, [item])))
  return { has: [...has.keys()].sort(), lacks }
}
