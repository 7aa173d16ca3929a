/** The YAML of a policy folder. */
import { Lexer, LineCounter, parseDocument } from 'yaml'
import { readYaml, type YamlDocument } from '../codec/index.ts'
import type { Reporter } from './finding.ts'

/** The document in UTF-8 bytes, or undefined after its faults went to `report`. */
export function readPolicyYaml(bytes: Uint8Array, report: Reporter): YamlDocument | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    report.error('1:1', 'not UTF-8')
    return undefined
  }
  const { document, faults } = readYaml(text, { Lexer, LineCounter, parseDocument })
  for (const { place, detail } of faults) report.error(place, detail)
  return document
}
