/** Parameters of a media type (RFC 2045 §5.1), as a plain file's may have: `text/plain; charset=utf-8`. */

const PARAMETER =
  /[ \t]*;[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[ !#-[\]-~]|\\[ -~])*")/y
const CAP = 1024

/**
 * The type alone, when all that follows it is parameters of different names; else the text as it is, which is then no media type.
 * An OCI descriptor has no parameters; the target of a plain file has "any arbitrary media type" (signature specification, Payload).
 */
export function withoutParameters(text: string): string {
  const at = /[ \t;]/.exec(text)?.index
  if (at === undefined || text.length > CAP) return text
  const names = new Set<string>()
  PARAMETER.lastIndex = at
  while (PARAMETER.lastIndex < text.length) {
    const name = PARAMETER.exec(text)?.[1]?.toLowerCase()
    // Of two charsets one reader takes the first, another the last.
    if (name === undefined || names.has(name)) return text
    names.add(name)
  }
  return text.slice(0, at)
}
