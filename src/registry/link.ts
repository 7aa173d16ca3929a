/** The `Link` header of lists in pages (RFC 8288, as far as the distribution spec uses it). */

const CAP = 16_384
/** A target and its parameters. Each pattern passes over its text once, whatever stands there. */
const LINK = /<([^<>]{1,4096})>((?:[^",<]|"[^"]*")*)/g
const NEXT = /;\s*rel\s*=\s*(?:"next"|next)\s*(?:;|$)/i

/** The reference to the next page, or undefined on the last one. */
export function nextLink(header: string | string[] | undefined): string | undefined {
  const text = (Array.isArray(header) ? header.join(', ') : (header ?? '')).slice(0, CAP)
  for (const [, target, parameters = ''] of text.matchAll(LINK)) if (NEXT.test(parameters)) return target
  return undefined
}
