/** `retag`: every tag that names the artifact comes to name a tombstone, or is taken away where that can't be. */
import { SallyportError } from '../../errors/index.ts'
import type { MeasureCase } from './measure.ts'
import { besideState, obstacleOf, type MeasureReport, type Obstacle } from './report.ts'
import { tell } from '../run/run.ts'
import { changeTags, type Standing, type TagChangeReport, type TagChangeTerms } from './tag-change.ts'
import { layTombstone } from './tombstone.ts'

type Retagged = Pick<MeasureReport, 'tags' | 'tombstone'> & { obstacle: Obstacle | undefined }

function termsOf({ artifact, why, options }: MeasureCase): TagChangeTerms {
  return {
    ...options,
    // A tag that has come to name something else meanwhile is no business of this measure.
    from: (old) => old === artifact.digest,
    cause: { by: 'measure', reason: why.code },
  }
}

async function change(one: MeasureCase, tags: readonly string[], to: Standing | null): Promise<TagChangeReport[]> {
  const changes = tags.map((tag) => ({ tag, to }))
  const reports = await changeTags(one.state, one.place, one.artifact.path, changes, termsOf(one))
  await one.standing.changed(reports)
  return reports
}

/** The tombstone is laid first: where it can't be put, no tag is touched for it. */
export async function retag(one: MeasureCase, tags: readonly string[]): Promise<Retagged> {
  const { target, place, artifact, why, options } = one
  if (tags.length === 0) return { tags: [], tombstone: null, obstacle: undefined }
  let tombstone: MeasureReport['tombstone'] = null
  let obstacle: Obstacle | undefined
  let reports: TagChangeReport[] = tags.map((tag) => ({
    tag,
    old: artifact.digest,
    new: artifact.digest,
    outcome: 'refused',
  }))
  try {
    await one.begin()
    const laid = await besideState(layTombstone(target, place.name, artifact.digest, why, options))
    tombstone = { digest: laid.descriptor.digest, signature: laid.signature }
    reports = await change(one, tags, laid)
  } catch (error) {
    obstacle = obstacleOf(error)
  }
  const left = reports.filter(({ outcome }) => outcome === 'refused').map(({ tag }) => tag)
  if (left.length > 0 && (await target.probeDelete('tag')) === undefined) {
    const gone = new Map((await change(one, left, null)).map((report) => [report.tag, report]))
    reports = reports.map((report) => gone.get(report.tag) ?? report)
  }
  // Else a key that does not sign any more would go unnoticed, since the tags are gone all the same.
  if (obstacle !== undefined && tombstone === null)
    tell(options, { type: 'note', text: `no tombstone could be laid for ${artifact.digest}: ${obstacle.detail}` })
  const refused = reports.find(({ outcome }) => outcome === 'refused')
  if (refused === undefined) return { tags: reports, tombstone, obstacle: undefined }
  const { code = 'PUSH_REFUSED' } = refused
  const subject = `${target.repository}:${refused.tag}`
  obstacle ??= obstacleOf(new SallyportError(code, { side: 'target', subject, detail: `tag ${refused.tag}` }))
  return { tags: reports, tombstone, obstacle }
}
