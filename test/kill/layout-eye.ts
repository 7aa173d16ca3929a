/** Looks at an OCI image layout folder from outside. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  digest: string
  annotations?: Record<string, string>
}

interface Manifest {
  manifests?: Entry[]
  config?: Entry
  layers?: Entry[]
}

/** What a layout folder holds, in an order that does not depend on who came first. */
export interface LayoutSight {
  entries: string[]
  blobs: string[]
  /** Names that are no part of a layout. */
  strays: string[]
}

function entriesIn(dir: string): Entry[] {
  const file = join(dir, 'index.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { manifests: Entry[] }).manifests : []
}

/**
 * An entry without a name says nothing where another one leads to the same manifest: a run that failed, and could still
 * say so, leaves such entries for what it had not yet listed elsewhere.
 */
function telling(dir: string): Entry[] {
  const entries = entriesIn(dir)
  const listed = new Set<string>()
  const visit = (digest: string): void => {
    const file = join(dir, 'blobs', ...digest.split(':'))
    if (!existsSync(file)) return
    for (const child of (JSON.parse(readFileSync(file, 'utf8')) as Manifest).manifests ?? []) {
      if (listed.has(child.digest)) continue
      listed.add(child.digest)
      visit(child.digest)
    }
  }
  for (const { digest } of entries) visit(digest)
  return entries.filter(({ digest, annotations }) => annotations !== undefined || !listed.has(digest))
}

export function sight(dir: string): LayoutSight {
  const names = existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : []
  return {
    entries: telling(dir)
      .map((entry) => JSON.stringify(entry))
      .sort(),
    blobs: names.filter((name) => /^blobs\/\w+\/[0-9a-f]{64,}$/.test(name)).sort(),
    strays: names.filter((name) => name.includes('.sallyport')),
  }
}

function bytesOf(dir: string, digest: string): Buffer {
  const file = join(dir, 'blobs', ...digest.split(':'))
  assert.ok(existsSync(file), `${digest} is absent`)
  const bytes = readFileSync(file)
  assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest)
  return bytes
}

/** Fails when an entry of the layout leads to something absent or wrong. The digests of all manifests that are reached. */
export function walk(dir: string): Set<string> {
  const seen = new Set<string>()
  const visit = (digest: string): void => {
    if (seen.has(digest)) return
    const { manifests = [], config, layers = [] } = JSON.parse(bytesOf(dir, digest).toString()) as Manifest
    seen.add(digest)
    for (const child of manifests) visit(child.digest)
    for (const blob of config === undefined ? layers : [config, ...layers]) bytesOf(dir, blob.digest)
  }
  for (const { digest } of entriesIn(dir)) visit(digest)
  return seen
}
