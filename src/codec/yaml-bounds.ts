/** What of a YAML document is refused beside what its library refuses: all that costs more than its length, or has two readings. */
import type { Node } from 'yaml'

/** More than ten thousand scopes come to; a document of so many takes some 300 MiB. */
const MAX_LEXEMES = 500_000
/** Each is looked for among all names that were given before it. */
const MAX_ALIASES = 1000

/** What is wrong, and the offset in the text. */
interface Misread {
  at: number
  message: string
}

/** The fault of a text that has too many parts, before anything is made of it. @param lexemes - as the library's lexer gives them */
export function crowdedYaml(lexemes: Iterable<string>): Misread | undefined {
  let count = 0
  for (const _ of lexemes) if (++count > MAX_LEXEMES) return { at: 0, message: `over ${MAX_LEXEMES} signs and words` }
  return undefined
}

interface Pairish {
  key: Node | null
  value: Node | null
}

function isPair(item: Node | Pairish): item is Pairish {
  return 'key' in item
}

/**
 * Names that stand twice in one table, which the library finds by comparing each with each; names that are no plain text,
 * of which it makes one; and aliases beyond some. Without recursion. Duty of the caller: the library found no fault.
 */
export function yamlFaults({ contents }: { contents: Node | null }): Misread[] {
  const faults: Misread[] = []
  let aliases = 0
  for (const open: (Node | null)[] = [contents]; open.length > 0;) {
    const node = open.pop() ?? null
    const at = node?.range?.[0] ?? 0
    if (node !== null && 'source' in node && !('value' in node) && ++aliases > MAX_ALIASES)
      return [{ at, message: `over ${MAX_ALIASES} aliases` }]
    if (node === null || !('items' in node)) continue
    const names = new Set<string>()
    for (const item of node.items as (Node | Pairish)[]) {
      if (!isPair(item)) {
        open.push(item)
        continue
      }
      const { key, value } = item
      const name = nameOf(key)
      const place = key?.range?.[0] ?? at
      if (name === undefined) faults.push({ at: place, message: 'a name is plain text' })
      else if (names.has(name))
        faults.push({ at: place, message: `${JSON.stringify(name.slice(0, 100))} stands there twice` })
      else names.add(name)
      open.push(value)
    }
  }
  return faults.sort((a, b) => a.at - b.at)
}

/** As it becomes the name of a member: `1` and `"1"` are one. */
function nameOf(key: Node | null): string | undefined {
  if (key === null) return ''
  if ('items' in key || !('value' in key)) return undefined
  return key.value === null ? '' : String(key.value)
}
