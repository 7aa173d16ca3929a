/** Lists that come in pages: each page capped, all pages counted, and the next one only at the registry itself. */
import { isJsonObject, parseJson, type Json, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { plainText } from './errors.ts'
import { nextLink } from './link.ts'
import { nextHop } from './redirect.ts'
import type { Repository } from './repository.ts'
import type { Call, Reply } from './request.ts'

export const PAGE_CAP = 4 * 1024 * 1024
export const MAX_PAGES = 10_000

/** The JSON object of a reply. Throws REGISTRY_PROTOCOL, for an HTML page too. */
export function objectIn(reply: Reply, types: readonly string[], repository: Repository, subject: string): JsonObject {
  const { side } = repository
  const type =
    String(reply.header('content-type') ?? '')
      .split(';')[0]
      ?.trim() ?? ''
  const bad = (detail: string): SallyportError =>
    new SallyportError('REGISTRY_PROTOCOL', { side, subject, detail: plainText(detail) })
  if (!types.includes(type)) throw bad(type === 'text/html' ? 'an HTML page' : `Content-Type ${type}`)
  let document: Json
  try {
    document = parseJson(reply.bytes, side, subject)
  } catch (error) {
    throw bad(`not strict JSON, ${(error as Error).message}`)
  }
  if (!isJsonObject(document)) throw bad('not a JSON object')
  return document
}

/**
 * The pages that follow `first`, it included.
 * Throws GRAPH_TOO_LARGE after 10,000 pages, REGISTRY_PROTOCOL for a link to another origin or to a page seen before.
 */
export async function* pagesFrom(repository: Repository, call: Call, first: Reply): AsyncGenerator<Reply> {
  const { registry, side } = repository
  const { subject } = call
  const origin = await registry.origin()
  const seen = new Set<string>([first.url.href])
  let page = first
  for (let count = 1; ; count++) {
    yield page
    const link = nextLink(page.header('link'))
    if (link === undefined) return
    const bad = (detail: string): SallyportError => new SallyportError('REGISTRY_PROTOCOL', { side, subject, detail })
    const next = nextHop(page.url, link, origin, side, subject)
    // A list that goes on elsewhere is not the registry's own, and our credentials would have to follow it there.
    if (next.origin !== origin.url) throw bad('the next page stands at another origin')
    if (seen.has(next.href)) throw bad('the pages go in a circle')
    if (count === MAX_PAGES)
      throw new SallyportError('GRAPH_TOO_LARGE', { side, subject, detail: `more than ${MAX_PAGES} pages` })
    seen.add(next.href)
    page = await registry.ask({ ...call, to: next }, [200], PAGE_CAP)
  }
}
