/** What an operator calls an artifact that lies at a target, in the words of the state. */
import { resolve } from 'node:path'
import { SallyportError } from '../../errors/index.ts'
import { isRepositoryPath, isTag, parseReference, type Digest } from '../../oci/index.ts'
import { parseLayoutReference } from './layout-reference.ts'

export interface TargetReference {
  /** As the state calls the target, and as `--to` names it: `host[:port]` or `oci:DIR`. */
  target: string
  /** The repository's path there. */
  path: string
  tag?: string
  digest?: Digest
}

/**
 * The parts of `host/path[:tag][@digest]` or `oci:DIR:path[:tag][@digest]`.
 * Throws REFERENCE_INVALID, FILE_UNREADABLE for a layout that is not there.
 */
export function parseTargetReference(ref: string): TargetReference {
  if (!ref.startsWith('oci:')) {
    const { host, path, tag, digest } = parseReference(ref, 'target')
    return { target: host, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
  }
  const { path: dir, tag: name = '', digest } = parseLayoutReference(ref)
  const colon = name.lastIndexOf(':')
  const path = colon < 0 ? name : name.slice(0, colon)
  const tag = colon < 0 ? undefined : name.slice(colon + 1)
  if (!isRepositoryPath(path) || (tag !== undefined && !isTag(tag)))
    throw new SallyportError('REFERENCE_INVALID', {
      side: 'target',
      subject: ref.slice(0, 300),
      detail: 'of a layout: oci:DIR:REPOSITORY[:TAG][@DIGEST]',
    })
  const target = `oci:${resolve(dir)}`
  return { target, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}
