/** A folder that lives as long as one test file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Call inside `describe`: a function that gives a fresh path in the folder each time. */
export function scratch(): (name: string) => string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-content-'))
  let count = 0
  after(() => rmSync(dir, { recursive: true, force: true }))
  return (name) => join(dir, `${++count}-${name}`)
}

export interface Entry {
  mediaType: string
  digest: string
  size: number
  annotations?: Record<string, string>
  [member: string]: unknown
}

export interface IndexJson {
  manifests: Entry[]
  [member: string]: unknown
}

export function readIndexJson(dir: string): IndexJson {
  return JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as IndexJson
}

export function changeIndexJson(dir: string, change: (index: IndexJson) => void): void {
  const index = readIndexJson(dir)
  change(index)
  writeFileSync(join(dir, 'index.json'), JSON.stringify(index))
}

export const REF_NAME = 'org.opencontainers.image.ref.name'

export function nameOf(entry: Entry): string | undefined {
  return entry.annotations?.[REF_NAME]
}
