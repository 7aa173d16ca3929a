/** Whether content goes where its channel may bring any. */
import { SallyportError } from '../../errors/index.ts'
import { isInformingPlace } from '../revocation/path.ts'

function isWithin(path: string, into: string): boolean {
  return path === into || path.startsWith(`${into}/`)
}

/**
 * Passes when every repository of content goes to one of the paths, or below it. Stops a sender, or the thief of its keys,
 * from moving the tags of another. What a channel tells of itself has places of its own.
 * Throws DESTINATION_FORBIDDEN.
 * @param landed - by name in the bundle the full path at the target
 * @param channels - that of the bundle, and those of its passengers
 */
export function demandConfined(
  into: readonly string[] | undefined,
  landed: Iterable<readonly [name: string, path: string]>,
  channels: readonly [channel: string, ...passengers: string[]],
): void {
  if (into === undefined) return
  for (const [name, path] of landed) {
    if (isInformingPlace(name, path, channels) || into.some((one) => isWithin(path, one))) continue
    const shown = into.length > 3 ? `${into.slice(0, 3).join(', ')} and ${into.length - 3} more` : into.join(', ')
    throw new SallyportError('DESTINATION_FORBIDDEN', {
      // The sender's, whoever maps it: a watch puts it aside, and the channel's next bundle isn't held up.
      side: 'bundle',
      subject: path,
      detail: `channel ${channels[0]} may bring content into ${shown} alone`,
    })
  }
}
