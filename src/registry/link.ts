/** The `Link` header of lists in pages (RFC 8288, as far as the distribution spec uses it). */

const NEXT = /<([^<>]{1,4096})>\s*;\s*(?:[^,]*;\s*)?rel\s*=\s*(?:"next"|next)(?=\s*(?:[;,]|$))/i

/** The reference to the next page, or undefined on the last one. */
export function nextLink(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '')
  return NEXT.exec(text.slice(0, 16_384))?.[1]
}
