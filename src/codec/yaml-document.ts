/** YAML 1.2 with unique keys, in which each member's place is known. */
import type { LineCounter, parseDocument } from 'yaml'

/** Of the package `yaml`. The caller brings it: it takes 40 ms to load, and most processes read no YAML. */
export interface YamlPackage {
  LineCounter: typeof LineCounter
  parseDocument: typeof parseDocument
}

export interface YamlDocument {
  value: unknown
  /** `line:column` of the deepest member on the path that is there, so that a missing one points at its parent. */
  placeOf(path: readonly PropertyKey[]): string
}

export interface YamlFault {
  /** `line:column`. */
  place: string
  detail: string
  cause: unknown
}

type Read =
  | { document: YamlDocument; faults: readonly [] }
  | { document: undefined; faults: readonly [YamlFault, ...YamlFault[]] }

/** The document in a text, or undefined and what is wrong with it: what the package only warns of, too. */
export function readYaml(text: string, yaml: YamlPackage): Read {
  const lines = new yaml.LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${line}:${col}`
  }
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    strict: true,
    version: '1.2',
  })
  const [first, ...more] = [...document.errors, ...document.warnings].map((cause): YamlFault => {
    return { place: at(cause.pos[0]), detail: cause.message, cause }
  })
  if (first !== undefined) return { document: undefined, faults: [first, ...more] }
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true)
      const range = (node as { range?: [number, number, number] } | undefined)?.range
      if (range !== undefined) return at(range[0])
    }
    return '1:1'
  }
  try {
    // An alias may stand for another a bounded number of times: stops the "billion laughs" document.
    return { document: { value: document.toJS({ maxAliasCount: 100 }), placeOf }, faults: [] }
  } catch (cause) {
    return { document: undefined, faults: [{ place: '1:1', detail: (cause as Error).message, cause }] }
  }
}
