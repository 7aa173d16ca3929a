/** Whether content goes where its channel may bring any. */
import { SallyportError } from '../../errors/index.ts'
import { isInforming } from '../revocation/path.ts'

function isWithin(path: string, into: string): boolean {
  return path === into || path.startsWith(`${into}/`)
}

/**
 * Passes when every repository of content goes to one of the paths, or below it. Stops a sender, or the thief of its keys,
 * from moving the tags of another. What a channel tells of itself has places of its own.
 * Throws DESTINATION_FORBIDDEN.
 * @param landed - by name in the bundle the full path at the target
 */
export function demandConfined(
  channel: string,
  into: readonly string[] | undefined,
  landed: Iterable<readonly [name: string, path: string]>,
): void {
  if (into === undefined) return
  for (const [name, path] of landed) {
    if (isInforming(name) || into.some((one) => isWithin(path, one))) continue
    const shown = into.length > 3 ? `${into.slice(0, 3).join(', ')} and ${into.length - 3} more` : into.join(', ')
    throw new SallyportError('DESTINATION_FORBIDDEN', {
      // The sender's, whoever maps it: a watch puts it aside, and the channel's next bundle isn't held up.
      side: 'bundle',
      subject: path,
      detail: `channel ${channel} may bring content into ${shown} alone`,
    })
  }
}
