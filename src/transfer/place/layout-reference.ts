/** What an operator calls a layout and something in it. */
import { existsSync } from 'node:fs'
import { SallyportError } from '../../errors/index.ts'
import { isDigest, type Digest } from '../../oci/index.ts'

export interface LayoutReference {
  path: string
  tag?: string
  digest?: Digest
}

/** The parts of `oci:PATH[:NAME][@DIGEST]`. The longest part that exists is the path. Throws REFERENCE_INVALID, FILE_UNREADABLE. */
export function parseLayoutReference(ref: string): LayoutReference {
  let path = ref.slice('oci:'.length)
  const at = path.lastIndexOf('@')
  const digest = at < 0 ? undefined : path.slice(at + 1)
  if (digest !== undefined && !isDigest(digest))
    throw new SallyportError('REFERENCE_INVALID', { side: 'source', subject: ref, detail: 'digest' })
  if (at >= 0) path = path.slice(0, at)
  let tag: string | undefined
  for (let cut = path.length; cut > 0; cut = path.lastIndexOf(':', cut - 1)) {
    if (!existsSync(path.slice(0, cut))) continue
    if (cut < path.length) tag = path.slice(cut + 1)
    return {
      path: path.slice(0, cut),
      ...(tag === undefined ? {} : { tag }),
      ...(digest === undefined ? {} : { digest }),
    }
  }
  throw new SallyportError('FILE_UNREADABLE', { side: 'source', subject: path, detail: 'ENOENT' })
}
