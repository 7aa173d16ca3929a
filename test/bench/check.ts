/** Whether a contender really did the work: every tag, every blob, and on demand every byte. */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Workload } from './data.ts'
import { Failed } from './measure.ts'

const BLOCK = 512

export interface Member {
  readonly offset: number
  readonly size: number
}

/** Where each member's content stands in a tar, ours or a peer's. Reads the headers only. */
export function tarMembers(file: string): Map<string, Member> {
  const members = new Map<string, Member>()
  const fd = openSync(file, 'r')
  const header = Buffer.alloc(BLOCK)
  const end = statSync(file).size
  try {
    for (let at = 0; at + BLOCK <= end;) {
      readSync(fd, header, 0, BLOCK, at)
      if (header[0] === 0) break
      const text = (from: number, length: number) =>
        header.toString('latin1', from, from + length).replace(/\0.*$/s, '')
      const prefix = text(345, 155)
      const name = (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`).replace(/^\.\//, '')
      const size = parseInt(text(124, 12).trim(), 8)
      members.set(name, { offset: at + BLOCK, size })
      at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    }
  } finally {
    closeSync(fd)
  }
  return members
}

function hashAt(fd: number, { offset, size }: Member): string {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  for (let done = 0; done < size;) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, size - done), offset + done)
    if (count === 0) break
    hash.update(buffer.subarray(0, count))
    done += count
  }
  return `sha256:${hash.digest('hex')}`
}

/** Throws `Failed` unless the tar holds the whole workload and its index names every tag. */
export function checkTar(file: string, { blobs, manifests, tags }: Workload, deep: boolean): void {
  const members = tarMembers(file)
  const fd = openSync(file, 'r')
  try {
    for (const [digest, size] of [...Object.entries(blobs), ...Object.entries(manifests)]) {
      const member = members.get(`blobs/${digest.replace(':', '/')}`)
      if (member?.size !== size) throw new Failed(`${file}: ${digest} has ${member?.size} bytes, not ${size}`)
      if (deep && hashAt(fd, member) !== digest) throw new Failed(`${file}: ${digest} has other bytes`)
    }
    const index = members.get('index.json')
    const bytes = Buffer.alloc(index?.size ?? 0)
    readSync(fd, bytes, 0, bytes.length, index?.offset ?? 0)
    const named = new Map<string, string>()
    const { manifests: entries } = JSON.parse(bytes.toString()) as {
      manifests: { digest: string; annotations?: Record<string, string> }[]
    }
    for (const { digest, annotations = {} } of entries) {
      const reference = annotations['org.opencontainers.image.ref.name'] ?? ''
      named.set(reference.slice(reference.lastIndexOf(':') + 1), digest)
    }
    for (const [tag, digest] of Object.entries(tags)) {
      if (named.get(tag) !== digest) throw new Failed(`${file}: ${tag} is ${named.get(tag)}, not ${digest}`)
    }
  } finally {
    closeSync(fd)
  }
}

/** Throws `Failed` unless a registry's storage holds the whole workload in that repository, every tag set. */
export function checkStorage(storage: string, repository: string, { blobs, manifests, tags }: Workload): void {
  const root = join(storage, 'docker/registry/v2')
  const home = join(root, 'repositories', repository)
  const hex = (digest: string) => digest.slice('sha256:'.length)
  for (const [digest, size] of [...Object.entries(blobs), ...Object.entries(manifests)]) {
    const file = join(root, 'blobs/sha256', hex(digest).slice(0, 2), hex(digest), 'data')
    if (!existsSync(file) || statSync(file).size !== size) throw new Failed(`${repository}: ${digest} is not whole`)
    const links = digest in blobs ? '_layers' : '_manifests/revisions'
    if (!existsSync(join(home, links, 'sha256', hex(digest), 'link'))) throw new Failed(`${repository}: no ${digest}`)
  }
  for (const [tag, digest] of Object.entries(tags)) {
    const link = join(home, '_manifests/tags', tag, 'current/link')
    const found = existsSync(link) ? readFileSync(link, 'utf8') : 'absent'
    if (found !== digest) throw new Failed(`${repository}: ${tag} is ${found}, not ${digest}`)
  }
}
