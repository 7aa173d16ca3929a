/** Copies trust stores and trust policies into notation's configuration folder; what others put there is not overwritten. */
import { hash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { parseJson, sortedJson } from '../../codec/index.ts'
import { placeFile, syncFolder } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { POLICY_FILE, readTrustMaterial, STORE_FOLDER, type TrustMaterial } from '../../trust/index.ts'
import { readPolicyFiles } from '../trust/policy-folder.ts'

/** Says which files an earlier seed wrote, and with which bytes: only these may be changed or taken away. */
const MARK = '.sallyport-seed.json'
const MARK_CAP = 16 * 1024 * 1024

/** The paths that a seed writes: none leads out of the folder. */
const NAME = /^(?:trustpolicy(?:\.oci|\.blob)?\.json|truststore(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+)$/

const markSchema = z.strictObject({
  format: z.literal('sallyport-seed/1'),
  /** SHA-256 in hex, of what it may hold: two while a run is under way. */
  files: z.record(z.string().regex(NAME), z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(8)),
})
type Mark = z.output<typeof markSchema>['files']

export interface CopiedFile {
  /** Inside notation's configuration folder. */
  file: string
  /** `foreign`: it lies in one of the stores, was not written by a seed, and stays: notation trusts it too. */
  outcome: 'written' | 'replaced' | 'unchanged' | 'removed' | 'foreign'
}

export interface CopyTerms {
  policy: string
  config: string
  replace?: boolean | undefined
}

export interface PolicyCopy {
  files: CopiedFile[]
  notes: string[]
  /** Carries it out. Throws DISK_FULL, OUTPUT_FAILED. */
  write: () => CopiedFile[]
}

function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes)
}

/** The files that notation reads. The name that every version of it knows is there whenever there is a policy. */
function wantedOf(policy: string): { files: Map<string, Buffer>; material: TrustMaterial; site: boolean } {
  const read = readPolicyFiles(policy)
  const material = readTrustMaterial(read)
  const { oci, older, blob, site } = POLICY_FILE
  const kept = [...read].filter(
    ([name]) => [oci, older, blob].some((own) => own === name) || name.startsWith(STORE_FOLDER),
  )
  const files = new Map(kept.filter(([name]) => !name.endsWith('/')))
  const newer = files.get(oci)
  if (newer !== undefined) files.set(older, newer)
  return { files, material, site: read.has(site) }
}

function readMark(config: string): Mark {
  const file = join(config, MARK)
  const stat = lstatSync(file, { throwIfNoEntry: false })
  if (stat?.isFile() !== true || stat.size > MARK_CAP) return {}
  const parsed = markSchema.safeParse(parseJson(readFileSync(file), 'target', file))
  return parsed.success ? parsed.data.files : {}
}

function writeMark(config: string, files: Mark): void {
  placeFile(join(config, MARK), `${sortedJson({ format: 'sallyport-seed/1', files })}\n`, 0o600)
}

function foreign(file: string, detail: string): SallyportError {
  return new SallyportError('OUTPUT_EXISTS', {
    side: 'target',
    subject: file,
    detail,
    remedy: 'look at it; overwrite it with --replace, or name another folder with --notation-config',
  })
}

/** SHA-256 of what lies there, undefined for nothing. Throws OUTPUT_EXISTS for what is no regular file in real folders. */
function hashThere(config: string, name: string): string | undefined {
  const parts = name.split('/')
  for (let depth = 1; depth <= parts.length; depth++) {
    const path = join(config, ...parts.slice(0, depth))
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    // Stops a link from leading what is written, or what is read as ours, out of the folder.
    if (depth < parts.length ? !stat.isDirectory() : !stat.isFile()) throw foreign(path, 'no plain file or folder')
  }
  return sha256(readFileSync(join(config, ...parts)))
}

/** Files of others in the stores that are copied. */
function strangers(config: string, wanted: ReadonlyMap<string, Buffer>, mark: Mark): string[] {
  const stores = new Set([...wanted.keys()].filter((name) => name.includes('/')).map((name) => dirname(name)))
  return [...stores].toSorted().flatMap((store) => {
    const folder = join(config, store)
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
    const names = readdirSync(folder).map((name) => `${store}/${name}`)
    return names.filter((name) => !wanted.has(name) && mark[name] === undefined && !name.endsWith('.new')).toSorted()
  })
}

function notesOf({ policy }: TrustMaterial, site: boolean): string[] {
  const lax = policy?.statements.filter(({ actions }) => actions.revocation !== 'enforce').map(({ name }) => name) ?? []
  return [
    ...(lax.length === 0 ? [] : [`these statements let what is revoked pass: ${lax.join(', ')}`]),
    ...(site ? ['policy.yaml is unknown to notation: thresholds and the rest of it bind this site alone'] : []),
  ]
}

/**
 * What copying would do; nothing is written before `write` is called.
 * Throws OUTPUT_EXISTS for a file that no earlier seed wrote, unless it is the same or `replace` says so; FILE_UNREADABLE,
 * POLICY_MALFORMED, TRUST_STORE_MALFORMED.
 */
export function copyPolicy({ policy, config, replace = false }: CopyTerms): PolicyCopy {
  const { files: wanted, material, site } = wantedOf(policy)
  const mark = readMark(config)
  const outcomes = new Map<string, CopiedFile['outcome']>()
  for (const name of new Set([...wanted.keys(), ...Object.keys(mark)])) {
    const bytes = wanted.get(name)
    const there = hashThere(config, name)
    if (there === undefined && bytes === undefined) continue
    const own = there === undefined || mark[name]?.includes(there) === true
    if (bytes !== undefined && there === sha256(bytes)) outcomes.set(name, 'unchanged')
    else if (!own && !replace) throw foreign(join(config, name), 'it was not written by an earlier seed')
    else outcomes.set(name, bytes === undefined ? 'removed' : there === undefined ? 'written' : 'replaced')
  }
  const files: CopiedFile[] = [...outcomes].map(([file, outcome]) => ({ file, outcome }))
  files.push(...strangers(config, wanted, mark).map((file) => ({ file, outcome: 'foreign' as const })))
  const order = ['removed', 'written', 'replaced', 'unchanged', 'foreign']
  files.sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome) || (a.file < b.file ? -1 : 1))
  const write = (): CopiedFile[] => {
    const next: Mark = Object.fromEntries([...wanted].map(([name, bytes]) => [name, [sha256(bytes)]]))
    const names = new Set([...Object.keys(mark), ...Object.keys(next)])
    // Both while the run lasts: whatever it has come to when it is stopped, the next one knows its own files.
    const either = (name: string): string[] => [...new Set([...(next[name] ?? []), ...(mark[name] ?? [])])].slice(0, 8)
    writeMark(config, Object.fromEntries([...names].map((name) => [name, either(name)])))
    for (const { file, outcome } of files) carryOut(join(config, file), outcome, wanted.get(file))
    writeMark(config, next)
    return files
  }
  return { files, notes: notesOf(material, site), write }
}

function carryOut(file: string, outcome: CopiedFile['outcome'], bytes: Buffer | undefined): void {
  try {
    if (outcome === 'removed') {
      rmSync(file)
      syncFolder(dirname(file))
    }
    if (bytes === undefined || (outcome !== 'written' && outcome !== 'replaced')) return
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
  placeFile(file, bytes, 0o600)
}
