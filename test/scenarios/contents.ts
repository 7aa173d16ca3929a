/** What stock tools see of an artifact and of all that refers to it. */
import assert from 'node:assert/strict'
import { sha256 } from '../peers/registry-contents.ts'
import type { Side } from './side.ts'

export const SIGNATURE = 'application/vnd.cncf.notary.signature'

/** Digests of what refers to an artifact, as oras lists it. */
export async function referrersOf(side: Side, repository: string, digest: string, type?: string): Promise<string[]> {
  const template = 'go-template={{range .referrers}}{{.digest}} {{end}}'
  const only = type === undefined ? [] : ['--artifact-type', type]
  const reference = `${repository}@${digest}`
  const listed = await side.tool('oras', 'discover --plain-http --format', template, ...only, reference)
  return listed.split(' ').filter(Boolean).sort()
}

/** Artifact, and whatever hangs on it by any number of steps → what refers to it. Each manifest must have its digest. */
export async function contentsOf(side: Side, repository: string, digest: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  const visit = async (one: string): Promise<void> => {
    const { stdout } = await side.hands.run({
      program: 'crane',
      args: ['manifest', `${repository}@${one}`],
      cwd: side.dir,
    })
    assert.equal(sha256(stdout), one)
    const referrers = await referrersOf(side, repository, one)
    found[one] = referrers
    for (const referrer of referrers) await visit(referrer)
  }
  await visit(digest)
  return found
}
