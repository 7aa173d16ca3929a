/**
 * What lies in a drop folder. Anyone may have put it there: nothing is followed, nothing that could block is opened, and
 * nothing is held beyond a cap.
 */
import type { BigIntStats } from 'node:fs'
import { constants, lstat, open, opendir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { readFault, SallyportError } from '../../errors/index.ts'

/** A regular file that may be a bundle. */
export interface Arrival {
  name: string
  size: number
  /** Changes with every other file under this name, and with every write into this one. */
  mark: string
  /** The device and the file on it: what stays when it is renamed. */
  inode: string
  /** Milliseconds: its last change of any kind, of name, owner and rights too, by the clock of its file system, which nobody sets back or ahead. */
  arrived: number
}

export interface Strange {
  name: string
  what:
    | 'directory'
    | 'symbolic link'
    | 'pipe'
    | 'socket'
    | 'device'
    | 'no bundle by its name'
    | 'copy that runs'
    | 'name not readable'
}

export interface InboxView {
  arrivals: Arrival[]
  /** Bundles beyond the cap, which wait until others have left. */
  more: number
  strange: Strange[]
  /** All of them; the list holds the first. */
  strangeCount: number
}

const ARRIVALS_CAP = 10_000
/** Of those beyond it, for each kind. */
const SIFTED_CAP = 1000
const STRANGE_CAP = 100
/** A report's name is eleven and more bytes longer, and a name may have 255. */
export const NAME_CAP = 220
const END_MARK = 1024

/** The folders in which a watch puts what it is done with. */
export const DONE = 'done'
export const REJECTED = 'rejected'

/** As programs name what they are still writing. */
const COPY = /\.(?:part|tmp|filepart|crdownload)$/

/** Names that are nobody's business: hidden, and our own. */
function isPassedOver(name: string): boolean {
  return name.startsWith('.') || name === DONE || name === REJECTED
}

function ofName(name: string): Strange['what'] | undefined {
  if (COPY.test(name)) return 'copy that runs'
  return name.endsWith('.tar') ? undefined : 'no bundle by its name'
}

function kindOf(stat: BigIntStats): Strange['what'] | undefined {
  if (stat.isFile()) return undefined
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symbolic link'
  if (stat.isFIFO()) return 'pipe'
  return stat.isSocket() ? 'socket' : 'device'
}

function millis(ns: bigint): number {
  return Number(ns / 1_000_000n)
}

type Marked = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>

/** The mark of an {@link Arrival}. */
export function markOf({ dev, ino, size, mtimeNs, ctimeNs }: Marked): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`
}

function arrivalOf(name: string, stat: BigIntStats): Arrival {
  const { dev, ino, size, ctimeNs } = stat
  return { name, size: Number(size), mark: markOf(stat), inode: `${dev}:${ino}`, arrived: millis(ctimeNs) }
}

async function lookAt(inbox: string, name: string): Promise<Arrival | Strange | undefined> {
  // Bytes that are no UTF-8 come as replacement characters, under which there is no such file.
  if (name.includes('\ufffd') || Buffer.byteLength(name) > NAME_CAP) return { name, what: 'name not readable' }
  const stat = await lstat(join(inbox, name), { bigint: true }).catch(() => undefined)
  if (stat === undefined) return undefined
  const what = kindOf(stat) ?? ofName(name)
  return what === undefined ? arrivalOf(name, stat) : { name, what }
}

/** What has this name now, if it may be a bundle. */
export async function lookAgain(inbox: string, name: string): Promise<Arrival | undefined> {
  const found = await lookAt(inbox, name)
  return found === undefined || 'what' in found ? undefined : found
}

/** The kind of a file beyond the cap that has a place in the view all the same, undefined of others. */
export type Sift = (arrival: Arrival) => Promise<string | undefined>

/** All that lies in the folder, by name. Throws FILE_UNREADABLE, MEDIUM_UNREADABLE, and what `sift` throws. */
export async function lookInto(inbox: string, sift?: Sift): Promise<InboxView> {
  const sifted = new Map<string, number>()
  const isSifted = async (arrival: Arrival): Promise<boolean> => {
    const kind = await sift?.(arrival)
    if (kind === undefined) return false
    const count = (sifted.get(kind) ?? 0) + 1
    sifted.set(kind, count)
    return count <= SIFTED_CAP
  }
  const view: InboxView = { arrivals: [], more: 0, strange: [], strangeCount: 0 }
  try {
    for await (const { name } of await opendir(inbox, { bufferSize: 256 })) {
      if (isPassedOver(name)) continue
      const found = await lookAt(inbox, name)
      if (found === undefined) continue
      if ('what' in found) {
        if (view.strangeCount++ < STRANGE_CAP) view.strange.push(found)
      } else if (view.arrivals.length < ARRIVALS_CAP || (await isSifted(found))) view.arrivals.push(found)
      else view.more++
    }
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : readFault(cause, 'state', inbox)
  }
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
  view.arrivals.sort(byName)
  view.strange.sort(byName)
  return view
}

/** An arrival that is open; what is read by `path` is this very file, whatever its name leads to meanwhile. */
export interface OpenArrival {
  path: string
  /** Its length is of whole blocks, and the last two are empty: that is how a bundle ends. */
  ended: boolean
  close(): Promise<void>
}

/**
 * Opens the file that was seen. Undefined when another one has its name by now, and when it has changed, unless it may:
 * the head of a file that is being copied is whole long before its end.
 * Throws FILE_UNREADABLE, MEDIUM_UNREADABLE.
 */
export async function openArrival(
  inbox: string,
  { name, mark, inode, size }: Arrival,
  mayChange = false,
): Promise<OpenArrival | undefined> {
  const file = join(inbox, name)
  let handle: FileHandle
  try {
    // A pipe of that name would block whoever opens it; a link could lead anywhere.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO') return undefined
    throw readFault(cause, 'state', file)
  }
  try {
    const stat = await handle.stat({ bigint: true })
    const found = arrivalOf(name, stat)
    if (!stat.isFile() || (mayChange ? found.inode !== inode : found.mark !== mark)) {
      await handle.close()
      return undefined
    }
    const tail = Buffer.alloc(END_MARK, 1)
    if (size >= END_MARK) await handle.read(tail, 0, END_MARK, size - END_MARK)
    return {
      path: `/proc/self/fd/${handle.fd}`,
      ended: size % 512 === 0 && tail.every((byte) => byte === 0),
      close: () => handle.close(),
    }
  } catch (cause) {
    await handle.close().catch(() => undefined)
    throw cause instanceof SallyportError ? cause : readFault(cause, 'state', file)
  }
}
