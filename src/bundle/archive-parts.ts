/** Where the files of a layout stand in a tar, packed: a million blobs take some 100 MB, where names in a map take 250. */
import { algorithmOf, Column, DigestTable, type Algorithm, type Digest } from '../oci/index.ts'
import { blobDigest } from './names.ts'

export interface ArchivePart {
  offset: number
  size: number
}

/** A file of a layout: one of two fixed names, or the digest of a blob. */
type LayoutName = 'oci-layout' | 'index.json' | Digest

export interface FoundParts {
  /** The place of a layout file's name, or undefined. */
  get(name: string): ArchivePart | undefined
}

/** The layout file that a member stands for, or undefined for what is none of the layout's. */
export function fileIn(member: string): LayoutName | undefined {
  const name = member.startsWith('./') ? member.slice(2) : member
  if (name === 'oci-layout' || name === 'index.json') return name
  return blobDigest(name)
}

class Lane {
  readonly digests: DigestTable
  readonly offsets = new Column((length) => new Float64Array(length))
  readonly sizes = new Column((length) => new Float64Array(length))

  constructor(algorithm: Algorithm) {
    this.digests = new DigestTable(algorithm)
  }
}

export class ArchiveParts implements FoundParts {
  readonly #fixed = new Map<string, ArchivePart>()
  readonly #lanes = { sha256: new Lane('sha256'), sha512: new Lane('sha512') }

  /** False when the file has a place already, which stays. */
  add(file: LayoutName, part: ArchivePart): boolean {
    if (file === 'oci-layout' || file === 'index.json') {
      if (this.#fixed.has(file)) return false
      this.#fixed.set(file, part)
      return true
    }
    const { digests, offsets, sizes } = this.#lanes[algorithmOf(file)]
    const before = digests.length
    const i = digests.add(file)
    if (i < before) return false
    offsets.put(i, part.offset)
    sizes.put(i, part.size)
    return true
  }

  get(name: string): ArchivePart | undefined {
    const file = fileIn(name)
    if (file === undefined || file === 'oci-layout' || file === 'index.json') return this.#fixed.get(name)
    const { digests, offsets, sizes } = this.#lanes[algorithmOf(file)]
    const i = digests.indexOf(file)
    return i < 0 ? undefined : { offset: offsets.at(i), size: sizes.at(i) }
  }
}
