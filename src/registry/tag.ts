/** A repository's tags, listed page by page under a cap. */
import { SallyportError } from '../errors/index.ts'
import { isTag } from '../oci/index.ts'
import { objectIn, PAGE_CAP, pagesFrom } from './pages.ts'
import { callTo, type Repository } from './repository.ts'

const MAX_TAGS = 1_000_000

/** True when the registry says that there is no such repository, by one request; what refuses to be listed is there. */
export async function isAbsent(repository: Repository): Promise<boolean> {
  const call = callTo(repository, 'GET', 'tags/list?n=1', 'list', repository.name)
  try {
    await repository.registry.ask(call, [200], PAGE_CAP)
    return false
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return error.code === 'REPOSITORY_MISSING'
  }
}

/** All tags, sorted. Throws REPOSITORY_MISSING, GRAPH_TOO_LARGE, REGISTRY_PROTOCOL (a name that is no tag, too). */
export async function listTags(repository: Repository): Promise<string[]> {
  const { registry, side, name } = repository
  const call = callTo(repository, 'GET', 'tags/list?n=1000', 'list', name)
  const tags = new Set<string>()
  for await (const page of pagesFrom(repository, call, await registry.ask(call, [200], PAGE_CAP))) {
    const listed = objectIn(page, ['application/json'], repository, name)['tags'] ?? []
    if (!Array.isArray(listed))
      throw new SallyportError('REGISTRY_PROTOCOL', { side, subject: name, detail: 'no tags in the list' })
    for (const tag of listed) {
      if (typeof tag !== 'string' || !isTag(tag))
        throw new SallyportError('REGISTRY_PROTOCOL', { side, subject: name, detail: 'a tag outside the grammar' })
      tags.add(tag)
    }
    if (tags.size > MAX_TAGS)
      throw new SallyportError('GRAPH_TOO_LARGE', { side, subject: name, detail: `more than ${MAX_TAGS} tags` })
  }
  return [...tags].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}
