/** The writing side of a layout folder: blobs proven before they get their name, `index.json` replaced at one stroke. */
import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SallyportError, writeFault, type Side } from '../errors/index.ts'
import { algorithmOf, isDigest, type Algorithm, type Descriptor, type Digest } from '../oci/index.ts'
import { syncFolderAside, writeAllAside } from './durable-file.ts'
import { lockFolder, type FolderLock } from './file-lock.ts'
import { makeFolder } from './lasting-folder.ts'
import { ALGORITHMS, blobName, FolderReader } from './layout-file.ts'
import { indexRuns, readIndex, readMarker, type IndexEntry, type LayoutIndex } from './layout-index.ts'
import { provenBody } from './proven-body.ts'
import type { BlobBody } from './source.ts'

/** Gives the entries back changed; the same array when there is nothing to change. */
export type IndexChange = (entries: readonly IndexEntry[]) => Promise<readonly IndexEntry[]>

interface Waiting {
  change: IndexChange
  resolve: () => void
  reject: (error: unknown) => void
}

const EMPTY: LayoutIndex = { rest: {}, entries: [] }
// What an unfinished start of ours, or a fresh file system, may hold.
const OURS = new Set(['blobs', 'lost+found'])
const TEMPORARY = '.sallyport-tmp-'

export class LayoutStore {
  readonly dir: string
  readonly side: Side
  readonly reader: FolderReader
  private lock: Promise<FolderLock> | undefined
  private cached: { stamp: string; index: LayoutIndex } | undefined
  private waiting: Waiting[] = []
  private draining = false
  private readonly unsynced = new Set<Algorithm>()
  private settled: Promise<void> | undefined

  constructor(dir: string, side: Side) {
    this.dir = dir
    this.side = side
    this.reader = new FolderReader(dir, side)
  }

  /** The index as it stands now; empty where there is no layout yet. */
  index(): LayoutIndex {
    const stamp = this.stamp()
    if (this.cached?.stamp === stamp) return this.cached.index
    this.reader.checkFolders()
    const marked = readMarker(this.reader)
    const index = readIndex(this.reader)
    if (!marked && index !== undefined)
      throw new SallyportError('LAYOUT_MALFORMED', { side: this.side, subject: this.dir, detail: 'no oci-layout' })
    this.cached = { stamp, index: index ?? EMPTY }
    return this.cached.index
  }

  // The file is replaced, never written into: another file has another number.
  private stamp(): string {
    const stat = lstatSync(join(this.dir, 'index.json'), { throwIfNoEntry: false, bigint: true })
    return stat === undefined ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`
  }

  /**
   * Makes the names last that lie there already: a run that was killed may have given some that it did not live to sync,
   * and nobody may be told that they are there before they are. Once.
   */
  settle(): Promise<void> {
    this.settled ??= this.settleFolders()
    return this.settled
  }

  private async settleFolders(): Promise<void> {
    // What is no folder is named by whoever writes there.
    const isFolder = await this.writing(this.dir, async () =>
      statSync(this.dir, { throwIfNoEntry: false })?.isDirectory(),
    )
    if (isFolder !== true) return
    this.reader.checkFolders()
    for (const folder of ['.', 'blobs', ...ALGORITHMS.map((algorithm) => join('blobs', algorithm))])
      if (lstatSync(join(this.dir, folder), { throwIfNoEntry: false })?.isDirectory() === true)
        await this.syncFolder(folder)
    await this.writing(this.dir, () => makeFolder(this.dir))
  }

  /** Takes the lock, makes the layout where there is none, and clears what dead writers left. Once. */
  private writable(): Promise<FolderLock> {
    this.lock ??= this.acquire().catch((error: unknown) => {
      this.lock = undefined
      throw error
    })
    return this.lock
  }

  private async acquire(): Promise<FolderLock> {
    const lock = await this.writing(this.dir, async () => {
      await makeFolder(this.dir)
      return lockFolder(this.dir)
    })
    if (typeof lock === 'string')
      throw new SallyportError('LAYOUT_LOCKED', { side: this.side, subject: join(this.dir, lock) })
    try {
      await this.writing(this.dir, () => this.prepare())
      return lock
    } catch (error) {
      lock.release()
      throw error
    }
  }

  private async prepare(): Promise<void> {
    this.reader.checkFolders()
    const stray = readdirSync(this.dir).find((name) => !name.startsWith('.sallyport-') && !OURS.has(name))
    const marked = readMarker(this.reader)
    // Stops a mistyped path from turning a folder of other things into a layout.
    if (!marked && stray !== undefined)
      throw new SallyportError('LAYOUT_MALFORMED', { side: this.side, subject: this.dir, detail: `holds ${stray}` })
    mkdirSync(join(this.dir, 'blobs', 'sha256'), { recursive: true })
    const folders = ALGORITHMS.map((algorithm) => join('blobs', algorithm))
    for (const folder of ['.', ...folders]) this.sweep(folder)
    if (!marked) await this.replace('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
    if (this.stamp() !== 'none') return
    // A whole layout that lost its index is damage: an empty one would make every tag vanish for good.
    if (folders.some((folder) => this.names(folder).some((name) => isDigest(`${folder.slice(6)}:${name}`))) && marked)
      throw new SallyportError('LAYOUT_MALFORMED', { side: this.side, subject: this.dir, detail: 'no index.json' })
    await this.replace('index.json', indexRuns(EMPTY, this.reader))
    // Before any blob has a name: after a power cut a blob and no index would be the damage that is refused above.
    await this.syncFolder('.')
  }

  private names(folder: string): string[] {
    const path = join(this.dir, folder)
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(path)
  }

  // We hold the lock: whoever began these files is dead.
  private sweep(folder: string): void {
    for (const name of this.names(folder))
      if (name.startsWith(TEMPORARY)) rmSync(join(this.dir, folder, name), { force: true })
  }

  /** Stores the blob; it gets its name when it is proven and on the disk, else nothing of it stays. */
  async writeBlob(descriptor: Descriptor, body: BlobBody, subject: string): Promise<void> {
    await this.writable()
    const algorithm = algorithmOf(descriptor.digest)
    const folder = join(this.dir, 'blobs', algorithm)
    await this.writing(folder, async () => mkdirSync(folder, { recursive: true }))
    await this.replace(blobName(descriptor.digest), provenBody(body, descriptor, this.side, subject))
    this.unsynced.add(algorithm)
  }

  /** Takes a manifest's file away. Duty of the caller: no entry of the index leads to it any more. */
  async dropManifest(digest: Digest): Promise<void> {
    await this.writable()
    const path = join(this.dir, blobName(digest))
    await this.writing(path, () => rm(path, { force: true }))
    await this.syncFolder(join('blobs', algorithmOf(digest)))
  }

  private async replace(
    name: string,
    bytes: Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const path = join(this.dir, name)
    const temporary = join(path, '..', `${TEMPORARY}${randomBytes(12).toString('hex')}`)
    const file = await this.writing(path, () => open(temporary, 'wx'))
    try {
      try {
        let at = 0
        for await (const run of bytes instanceof Uint8Array ? [bytes] : bytes) {
          await this.writing(path, () => writeAllAside(file, run, at))
          at += run.length
        }
        await this.writing(path, () => file.datasync())
      } finally {
        await file.close()
      }
      await this.writing(path, () => rename(temporary, path))
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  }

  private async writing<T>(path: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', path)
    }
  }

  /** Applies the change to the newest index; kept when it is on the disk. Changes that wait together are written as one. */
  update(change: IndexChange): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ change, resolve, reject })
      if (!this.draining) void this.drain()
    })
  }

  private async drain(): Promise<void> {
    this.draining = true
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0)
      try {
        await this.writable()
        await this.apply(batch)
        for (const item of batch) item.resolve()
      } catch (error) {
        for (const item of batch) item.reject(error)
      }
    }
    this.draining = false
  }

  private async apply(batch: readonly Waiting[]): Promise<void> {
    const before = this.index()
    let entries = before.entries
    for (const item of batch) {
      try {
        entries = await item.change(entries)
      } catch (error) {
        item.reject(error)
      }
    }
    await this.flush()
    if (entries === before.entries) return
    const index = { rest: before.rest, entries }
    await this.replace('index.json', indexRuns(index, this.reader))
    await this.syncFolder('.')
    this.cached = { stamp: this.stamp(), index }
  }

  /** Makes the names of all blobs written so far last; the index is written after it, never before. */
  async flush(): Promise<void> {
    const folders = [...this.unsynced]
    this.unsynced.clear()
    try {
      for (const algorithm of folders) await this.syncFolder(join('blobs', algorithm))
      if (folders.length > 0) await this.syncFolder('blobs')
    } catch (error) {
      for (const algorithm of folders) this.unsynced.add(algorithm)
      throw error
    }
  }

  private async syncFolder(folder: string): Promise<void> {
    const path = join(this.dir, folder)
    await this.writing(path, () => syncFolderAside(path))
  }

  async close(): Promise<void> {
    const lock = await this.lock
    if (lock === undefined) return
    this.lock = undefined
    try {
      await this.flush()
    } finally {
      lock.release()
    }
  }
}
