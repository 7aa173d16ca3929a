/** A repository of our own making that rides along: gathered as those of a plan are, and bound to its path. */
import type { MemoryRepository } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { gather, type GatheredRepository, type GatherOptions } from './gather.ts'

/** Where it has to land. */
export interface OwnPath {
  /** What it holds, for the error. */
  what: string
  path: string
  /** True for the path, below any prefix. */
  isPath: (to: string) => boolean
}

/** The repository with all its tags. Throws MAP_INVALID when a mapping takes it away from its path: it would count as content there. */
export async function gatherOwn(
  source: MemoryRepository,
  { what, path, isPath }: OwnPath,
  options: Omit<GatherOptions, 'resolved'>,
): Promise<GatheredRepository[]> {
  const choice = { referrers: 'none' as const }
  const gathered = await gather([{ source, tags: await source.tags(), digests: [], complete: false, choice }], options)
  const astray = gathered.find(({ to }) => !isPath(to))
  if (astray === undefined) return gathered
  throw new SallyportError('MAP_INVALID', {
    side: 'target',
    subject: astray.to,
    detail: `${what} goes to ${path}, below any prefix`,
  })
}
