/** What must be true of a root that waits, before somebody signs it. */
import { isSealedPkcs8 } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { keyidOf, readUnsignedRoot, rootId, type Root } from '../../tuf/index.ts'
import { timeText } from '../run/run.ts'
import type { ChannelFolder } from './folder.ts'
import { damaged, pendingFile, previousOf, readMade, type PendingRoot } from './pending-root.ts'
import { isUnchanged, plannedRoot, planRotation, sameChange, type RotationChange } from './rotation-plan.ts'
import { usage } from './usage.ts'

/** Throws USAGE when what waits is not what was asked for, by the change or by the root's id. */
export function checkWanted(
  dir: string,
  waiting: PendingRoot,
  { change, id }: { change: RotationChange; id?: string | undefined },
): void {
  if (!isUnchanged(change) && !sameChange(change, waiting.change))
    throw usage(
      pendingFile(dir),
      `another rotation, to root ${waiting.version}, waits for signatures`,
      'go on with it by channel rotate without a change, or take it back with --abandon',
    )
  const own = rootId(waiting.bytes, { side: 'source', subject: pendingFile(dir) })
  if (id !== undefined && id !== own)
    throw usage(
      pendingFile(dir),
      `its id is ${own}, you asked for ${id}`,
      'sign nothing before the other holders of root keys tell you the same id',
    )
}

/**
 * Stops someone who writes the folder from having more or else signed than what is shown, and from having what was never
 * done reported as done. Throws ROTATION_DAMAGED.
 */
export function checkPlanned(folder: ChannelFolder, waiting: PendingRoot): void {
  const { dir, roots, keys } = folder
  const { bytes, change, made, version } = waiting
  const place = { side: 'source' as const, subject: pendingFile(dir) }
  let planned = false
  try {
    const before = readUnsignedRoot(previousOf(folder, waiting), place)
    const next = readUnsignedRoot(bytes, place)
    const plan = planRotation(before, keys, change)
    // Stops a key that was retired, or that has another role, from standing in for a new one.
    const known = new Set(roots.slice(0, version - 1).flatMap((root) => pointsOf(readUnsignedRoot(root, place))))
    const fresh = made.flatMap(({ role, keyid }) => next.roles[role].keys.get(keyid) ?? [])
    const named = JSON.stringify(made.map(({ role, holder, file }) => [role, holder, file]))
    planned =
      named === JSON.stringify(plan.make.map(({ role, holder, file }) => [role, holder, file])) &&
      fresh.length === made.length &&
      fresh.every(({ point, tufKey }, i) => !known.has(point) && keyidOf(tufKey) === made[i]?.keyid) &&
      rootId(
        plannedRoot(
          before,
          plan,
          fresh.map(({ tufKey }) => tufKey),
          next.expires,
        ),
        place,
      ) === rootId(bytes, place)
  } catch (cause) {
    if (!(cause instanceof SallyportError) || cause.code === 'CHANNEL_FOLDER_DAMAGED') throw cause
    throw damaged(dir, cause.message, cause)
  }
  if (!planned) throw damaged(dir, 'it says more or else')
}

function pointsOf({ roles }: Root): string[] {
  return Object.values(roles).flatMap(({ keys }) => Array.from(keys.values(), ({ point }) => point))
}

/** Throws ROTATION_DAMAGED when a key that was made is not there: a root in force whose keys are lost ends the channel. */
export function checkKeyFiles(dir: string, { made }: PendingRoot): void {
  for (const { file } of made)
    if (!isSealedPkcs8(readMade(dir, file).toString('latin1'))) throw damaged(dir, `${file} is no sealed key`)
}

/** Throws EXPIRED: signatures came so slowly that sites would refuse it. */
export function checkFresh(dir: string, { bytes }: PendingRoot, now: Date): void {
  const subject = pendingFile(dir)
  const { expires } = readUnsignedRoot(bytes, { side: 'source', subject })
  if (timeText(now) < expires) return
  const remedy = 'take it back with channel rotate --abandon, and begin again'
  throw new SallyportError('EXPIRED', { side: 'source', subject, detail: `since ${expires}`, remedy })
}
