/**
 * A folder on a disk that keeps only what POSIX promises: bytes of a file since its last sync, and names in a folder since
 * the folder's, may be there or not when the power is gone. File systems keep more; none may be relied on for it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FileCall } from './file-calls.ts'

interface Change {
  /** Number of the call. */
  n: number
  at: number
  bytes: Buffer
  /** The new length, for a truncation. */
  size?: number
}

interface Edit {
  n: number
  names: [name: string, entry: Entry | undefined][]
}

class Inode {
  now: Buffer = Buffer.alloc(0)
  durable: Buffer = Buffer.alloc(0)
  pending: Change[] = []
}

class Folder {
  readonly now = new Map<string, Entry>()
  readonly durable = new Map<string, Entry>()
  pending: Edit[] = []
}

type Entry = Inode | Folder

/** How many of so many changes that nobody synced the disk has all the same; of the next one a part, maybe as zeros. */
export type Loss = (changes: number) => { kept: number; part: number; zeros: boolean }

export const ALL_LOST: Loss = () => ({ kept: 0, part: 0, zeros: false })

export function someLost(chance: () => number): Loss {
  return (changes) => ({
    kept: Math.floor(chance() * (changes + 1)),
    part: Math.max(0, chance() * 2 - 1),
    zeros: chance() < 0.3,
  })
}

function applied(bytes: Buffer, { at, bytes: added, size }: Change): Buffer {
  const length = size ?? Math.max(bytes.length, at + added.length)
  const next = Buffer.alloc(length)
  bytes.copy(next, 0, 0, Math.min(length, bytes.length))
  added.copy(next, at)
  return next
}

function edited(names: Map<string, Entry>, edit: Edit): void {
  for (const [name, entry] of edit.names) {
    if (entry === undefined) names.delete(name)
    else names.set(name, entry)
  }
}

export class Disk {
  readonly root: string
  private readonly top: Folder

  /** The folder as it lies there, all of it durable. */
  constructor(root: string) {
    this.root = root
    this.top = this.load(root)
  }

  private load(path: string): Folder {
    const folder = new Folder()
    for (const name of readdirSync(path)) {
      const below = join(path, name)
      let entry: Entry
      if (statSync(below).isDirectory()) entry = this.load(below)
      else {
        entry = new Inode()
        entry.now = entry.durable = readFileSync(below)
      }
      folder.now.set(name, entry)
      folder.durable.set(name, entry)
    }
    return folder
  }

  private find(path: string): Entry | undefined {
    if (path === this.root) return this.top
    if (!path.startsWith(`${this.root}/`)) return undefined
    let entry: Entry | undefined = this.top
    for (const name of path.slice(this.root.length + 1).split('/'))
      entry = entry instanceof Folder ? entry.now.get(name) : undefined
    return entry
  }

  private parent(path: string): { folder: Folder; name: string } | undefined {
    const folder = this.find(dirname(path))
    return folder instanceof Folder ? { folder, name: path.slice(path.lastIndexOf('/') + 1) } : undefined
  }

  private edit(n: number, folder: Folder, ...names: Edit['names']): void {
    edited(folder.now, { n, names })
    folder.pending.push({ n, names })
  }

  private change(change: Change, inode: Inode): void {
    inode.now = applied(inode.now, change)
    inode.pending.push(change)
  }

  /** Does what a call did; true when it was about this folder. */
  apply(call: FileCall, n: number): boolean {
    const [path = '', to = ''] = call.paths
    const place = this.parent(path)
    const entry = this.find(path)
    if (place === undefined && entry === undefined) return false
    switch (call.name) {
      case 'open':
      case 'openat':
      case 'creat': {
        if (entry === undefined && call.creates && place !== undefined)
          this.edit(n, place.folder, [place.name, new Inode()])
        const made = entry instanceof Inode && call.truncates && entry.now.length > 0
        if (made) this.change({ n, at: 0, bytes: Buffer.alloc(0), size: 0 }, entry)
        return made || (entry === undefined && call.creates)
      }
      case 'mkdir':
      case 'mkdirat':
        if (place !== undefined) this.edit(n, place.folder, [place.name, new Folder()])
        return true
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
        if (place !== undefined) this.edit(n, place.folder, [place.name, undefined])
        return true
      case 'link':
      case 'linkat':
      case 'rename':
      case 'renameat':
      case 'renameat2': {
        const target = this.parent(to)
        if (place === undefined || target === undefined || entry === undefined)
          throw new Error(`${call.name} ${path} ${to}`)
        const gone: Edit['names'] = call.name.startsWith('link') ? [] : [[place.name, undefined]]
        if (place.folder === target.folder) this.edit(n, place.folder, ...gone, [target.name, entry])
        else {
          this.edit(n, target.folder, [target.name, entry])
          if (gone.length > 0) this.edit(n, place.folder, ...gone)
        }
        return true
      }
      case 'fsync':
      case 'fdatasync':
        if (entry !== undefined) this.sync(entry, call.begun)
        return true
      default:
        if (!(entry instanceof Inode)) return false
        if (call.name.endsWith('truncate')) this.change({ n, at: 0, bytes: Buffer.alloc(0), size: call.size }, entry)
        else if (call.name.includes('write'))
          this.change({ n, at: call.at ?? entry.now.length, bytes: call.bytes }, entry)
        else throw new Error(`${call.name} is not understood`)
        return true
    }
  }

  private sync(entry: Entry, begun: number): void {
    if (entry instanceof Inode) {
      for (const change of entry.pending) if (change.n < begun) entry.durable = applied(entry.durable, change)
      entry.pending = entry.pending.filter(({ n }) => n >= begun)
      return
    }
    for (const edit of entry.pending) if (edit.n < begun) edited(entry.durable, edit)
    entry.pending = entry.pending.filter(({ n }) => n >= begun)
  }

  /** Puts there what the disk holds when the power goes now. */
  lose(loss: Loss): void {
    rmSync(this.root, { recursive: true, force: true })
    write(this.root, this.top, loss, new Map())
  }
}

function leftOf({ durable, pending }: Inode, loss: Loss): Buffer {
  const { kept, part, zeros } = loss(pending.length)
  const bytes = pending.slice(0, kept).reduce<Buffer>(applied, durable)
  const next = pending[kept]
  if (next === undefined || part === 0) return bytes
  const torn = next.bytes.subarray(0, Math.floor(next.bytes.length * part))
  // A file may have its new length before it has its new bytes.
  return applied(bytes, { ...next, bytes: zeros ? Buffer.alloc(torn.length) : torn })
}

function write(path: string, entry: Entry, loss: Loss, left: Map<Inode, Buffer>): void {
  if (entry instanceof Inode) {
    const bytes = left.get(entry) ?? leftOf(entry, loss)
    left.set(entry, bytes)
    writeFileSync(path, bytes)
    return
  }
  const { kept } = loss(entry.pending.length)
  const names = new Map(entry.durable)
  for (const edit of entry.pending.slice(0, kept)) edited(names, edit)
  mkdirSync(path)
  for (const [name, below] of names) write(join(path, name), below, loss, left)
}
