/** YAML 1.2 with unique keys, in which each member's place is known. */
import type { Lexer, LineCounter, parseDocument } from 'yaml'
import { crowdedYaml, yamlFaults } from './yaml-bounds.ts'

/** Of the package `yaml`. The caller brings it: it takes 40 ms to load, and most processes read no YAML. */
export interface YamlPackage {
  Lexer: typeof Lexer
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

/**
 * The document in a text, or undefined and what is wrong with it: what the package only warns of, too. In time and memory
 * that its length bounds: a policy may come in a bundle, and be anybody's.
 */
export function readYaml(text: string, yaml: YamlPackage): Read {
  const lines = new yaml.LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${line}:${col}`
  }
  const crowded = crowdedYaml(new yaml.Lexer().lex(text))
  if (crowded !== undefined)
    return { document: undefined, faults: [{ place: '1:1', detail: crowded.message, cause: undefined }] }
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    strict: true,
    version: '1.2',
    logLevel: 'error',
  })
  const told = [...document.errors, ...document.warnings]
  const [first, ...more] =
    told.length > 0
      ? told.map((cause): YamlFault => ({ place: at(cause.pos[0]), detail: cause.message, cause }))
      : yamlFaults(document).map((fault): YamlFault => ({
          place: at(fault.at),
          detail: fault.message,
          cause: undefined,
        }))
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
