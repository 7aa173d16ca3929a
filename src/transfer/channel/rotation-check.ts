/** What must be true of a root that waits, before somebody signs it. */
import { SallyportError } from '../../errors/index.ts'
import { keyidOf, readUnsignedRoot, rootId } from '../../tuf/index.ts'
import { timeText } from '../run/run.ts'
import type { ChannelFolder } from './folder.ts'
import { damaged, pendingFile, type PendingRoot } from './pending-root.ts'
import { isUnchanged, plannedRoot, planRotation, sameChange, type RotationChange } from './rotation-plan.ts'

function usage(dir: string, detail: string, remedy?: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject: pendingFile(dir), detail, remedy })
}

/** Throws USAGE when what waits is not what was asked for, by the change or by the root's id. */
export function checkWanted(
  dir: string,
  waiting: PendingRoot,
  { change, id }: { change: RotationChange; id?: string | undefined },
): void {
  if (!isUnchanged(change) && !sameChange(change, waiting.change))
    throw usage(
      dir,
      `another rotation, to root ${waiting.version}, waits for signatures`,
      'go on with it by channel rotate without a change, or take it back with --abandon',
    )
  const own = rootId(waiting.bytes, { side: 'source', subject: pendingFile(dir) })
  if (id !== undefined && id !== own) throw usage(dir, `its id is ${own}, you asked for ${id}`)
}

/** Stops someone who writes the folder from having more or else signed than what is shown. Throws ROTATION_DAMAGED. */
export function checkPlanned({ dir, root, keys }: ChannelFolder, { bytes, change, made }: PendingRoot): void {
  const place = { side: 'source' as const, subject: pendingFile(dir) }
  let planned = false
  try {
    const next = readUnsignedRoot(bytes, place)
    const plan = planRotation(root, keys, change)
    const fresh = made.flatMap(({ role, keyid }) => next.roles[role].keys.get(keyid)?.tufKey ?? [])
    const named = JSON.stringify(made.map(({ role, holder, file }) => [role, holder, file]))
    planned =
      named === JSON.stringify(plan.make.map(({ role, holder, file }) => [role, holder, file])) &&
      made.every(({ keyid }, i) => fresh[i] !== undefined && keyidOf(fresh[i]) === keyid) &&
      rootId(plannedRoot(root, plan, fresh, next.expires), place) === rootId(bytes, place)
  } catch (cause) {
    if (!(cause instanceof SallyportError) || cause.code === 'CHANNEL_FOLDER_DAMAGED') throw cause
    throw damaged(dir, cause.message, cause)
  }
  if (!planned) throw damaged(dir, 'it says more or else')
}

/** Throws EXPIRED: signatures came so slowly that sites would refuse it. */
export function checkFresh(dir: string, { bytes }: PendingRoot, now: Date): void {
  const subject = pendingFile(dir)
  const { expires } = readUnsignedRoot(bytes, { side: 'source', subject })
  if (timeText(now) < expires) return
  const remedy = 'take it back with channel rotate --abandon, and begin again'
  throw new SallyportError('EXPIRED', { side: 'source', subject, detail: `since ${expires}`, remedy })
}
