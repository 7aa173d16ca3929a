/** Temporary folders, values and seeded chance for the tests of the state. */
import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '../../src/oci/index.ts'
import { SallyportError } from '../../src/errors/index.ts'
import { State, type JudgedHead, type Pin } from '../../src/state/index.ts'

export const NOW = new Date('2026-11-24T12:00:00Z')

const made: string[] = []

/** A fresh folder that {@link removeFolders} takes away. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-state-'))
  made.push(folder)
  return folder
}

export function removeFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** For `assert.rejects` and `assert.throws`: an error of this code, whose subject or message holds `about`. */
export function fault(code: string, about?: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof SallyportError)) throw error
    if (error.code !== code) throw new Error(`expected ${code}, got ${error.code}: ${error.subject}`, { cause: error })
    if (about !== undefined && !about.test(`${error.subject} ${error.message}`))
      throw new Error(`${error.subject} ${error.message} does not tell ${String(about)}`)
    return true
  }
}

export function digest(of: string | number): Digest {
  return `sha256:${hash('sha256', String(of))}`
}

export const TARGET = 'registry.site:5000/mirror'
export const REPOSITORY = 'vendor/app'

/** A root that can be read as one, for those who look into it. */
export const READABLE_ROOT = readFileSync('bundles/roots/vendor-a.root.json', 'utf8')

export function pinOf(channel: string, root = `root of ${channel}`): Pin {
  const bytes = Buffer.from(root)
  return { channel, purpose: 'content', fingerprint: digest(root), root: bytes, rootVersion: 1, reason: 'by phone' }
}

export function headOf(channel: string, sequence: number, change: Partial<JudgedHead> = {}): JudgedHead {
  return {
    channel,
    roots: [],
    rootVersion: 1,
    counters: { timestamp: sequence, snapshot: sequence, targets: sequence },
    sequence,
    id: digest(`${channel} ${sequence}`),
    floor: `2026-06-01T00:00:${String(sequence % 60).padStart(2, '0')}Z`,
    ...change,
  }
}

export function initState(dir = join(makeFolder(), 'state')): Promise<State> {
  return State.init(dir, { site: 'site-a', reason: 'first install', now: NOW })
}

/** A closed state with a row of every kind in it. */
export async function storiedState(): Promise<string> {
  const state = await initState()
  await state.pin(pinOf('vendor-a'))
  await state.pin(pinOf('vendor-b'))
  await state.commitHead(headOf('vendor-a', 3))
  const id = digest('vendor-a 3')
  const bundle = { id, channel: 'vendor-a', sequence: 3, target: TARGET }
  await state.recordVerdicts([{ id, repository: REPOSITORY, digest: digest(1), verdict: 'trusted', why: 'OK' }])
  await state.recordImport({ ...bundle, phase: 'start' })
  await state.recordHeld({ target: TARGET, repository: REPOSITORY, digests: [digest(1), digest(2), digest(3)] })
  const tag = { target: TARGET, repository: REPOSITORY, tag: 'v1' }
  await state.intendTags([
    { ...tag, old: null, new: digest(1) },
    { ...tag, tag: 'v2', old: null, new: digest(2) },
  ])
  await state.settleTags([{ ...tag, outcome: 'moved' }])
  await state.recordImport({ ...bundle, phase: 'done', counts: { blobs: 3 } })
  await state.unpin('vendor-b', 'contract ended')
  await state.note('the end')
  await state.close()
  return state.dir
}

/** What an iterator yields, in a list. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
