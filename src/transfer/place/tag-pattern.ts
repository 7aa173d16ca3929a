/** The tags that a pattern takes. The pattern is the operator's, the tags are whatever a registry says. */
import { runInNewContext } from 'node:vm'
import picomatch from 'picomatch'
import { SallyportError } from '../../errors/index.ts'

/** A million tags of the usual kind take a second. */
const WITHIN_MS = 10_000

/**
 * The tags that the glob takes, in their order. Stops a registry whose tags are made to be tried in millions of ways: by a
 * pattern of a few stars one tag may take minutes, in which no signal is heard. Throws LIMIT_EXCEEDED, INTERRUPTED.
 */
export function tagsMatching(tags: readonly string[], pattern: string, repository: string): string[] {
  const expression = picomatch.makeRe(pattern, { dot: true })
  try {
    const taken: unknown = runInNewContext(
      'tags.filter((tag) => tag === pattern || expression.test(tag))',
      { tags, pattern, expression },
      { timeout: WITHIN_MS, breakOnSigint: true },
    )
    return [...(taken as string[])]
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw new SallyportError('INTERRUPTED', { side: 'state', cause })
    if (code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw cause
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'source',
      subject: repository,
      detail: `to compare its tags with ${pattern} takes more than ${WITHIN_MS / 1000} seconds`,
      remedy: 'write a pattern of fewer stars, or name the tags',
      cause,
    })
  }
}
