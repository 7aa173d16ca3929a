/** Taking manifests and tags away (distribution spec "Content Management"), where a registry lets us. */
import { randomBytes } from 'node:crypto'
import { isFault, type SallyportError } from '../errors/index.ts'
import { MANIFEST_CAP } from '../oci/index.ts'
import { subjectOf } from './manifest.ts'
import { callTo, type Repository } from './repository.ts'

/**
 * Takes away what a digest names with all its tags, or a tag alone.
 * Throws DELETE_DENIED for every refusal for good, MANIFEST_MISSING.
 */
export async function deleteReference(repository: Repository, reference: string): Promise<void> {
  const call = callTo(repository, 'DELETE', `manifests/${reference}`, 'delete', subjectOf(repository, reference))
  const scopes = [`repository:${repository.path}:pull,push,delete`]
  await repository.registry.ask({ ...call, scopes }, [200, 202, 204], MANIFEST_CAP)
}

/**
 * Why nothing can be taken away; undefined when it can. The spec has no question for it, so what nobody can have pushed
 * is asked to go: a registry that deletes says that it is not there, any other that it does not delete, or not for us.
 */
export async function deleteRefusal(
  repository: Repository,
  what: 'manifest' | 'tag',
): Promise<SallyportError | undefined> {
  const hex = randomBytes(32).toString('hex')
  try {
    await deleteReference(repository, what === 'manifest' ? `sha256:${hex}` : `sallyport-probe-${hex}`)
  } catch (error) {
    if (isFault(error, 'MANIFEST_MISSING')) return undefined
    if (isFault(error, 'DELETE_DENIED')) return error
    throw error
  }
  return undefined
}
