/** A YAML document that knows where each of its members stands. */
import { Lexer, LineCounter, parseDocument } from 'yaml'
import { crowdedYaml, yamlFaults } from '../codec/index.ts'
import type { Reporter } from './finding.ts'

export interface YamlDocument {
  value: unknown
  /** `line:column` of the deepest member on the path that is there, so that a missing one points at its parent. */
  placeOf(path: readonly PropertyKey[]): string
}

/**
 * The document in UTF-8 bytes (YAML 1.2, unique keys), or undefined after its faults went to `report`. In time and memory
 * that its length bounds: a policy may come in a bundle, and be anybody's.
 */
export function readYaml(bytes: Uint8Array, report: Reporter): YamlDocument | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    report.error('1:1', 'not UTF-8')
    return undefined
  }
  const lines = new LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${line}:${col}`
  }
  const crowded = crowdedYaml(new Lexer().lex(text))
  if (crowded !== undefined) {
    report.error('1:1', crowded.message)
    return undefined
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    strict: true,
    version: '1.2',
    logLevel: 'error',
  })
  const found = [...document.errors, ...document.warnings].map(({ pos, message }) => ({ at: pos[0], message }))
  const faults = found.length > 0 ? found : yamlFaults(document)
  for (const fault of faults) report.error(at(fault.at), fault.message)
  if (faults.length > 0) return undefined
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
    return { value: document.toJS({ maxAliasCount: 100 }), placeOf }
  } catch (cause) {
    report.error('1:1', (cause as Error).message)
    return undefined
  }
}
