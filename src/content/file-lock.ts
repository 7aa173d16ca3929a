/**
 * A lock on a folder, held by a file whose name says who holds it.
 * Each contender makes its own file first and looks for others second: of two that hold files, at least one sees the
 * other and gives way. A dead holder's file may be removed by anyone, since its name never comes again.
 */
import { createHash, randomInt } from 'node:crypto'
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const PREFIX = '.sallyport-lock-'
const NAME = /^\.sallyport-lock-([0-9a-f]{12})-([0-9a-f]{12})-(\d+)-(\d+)$/
const ATTEMPTS = 4

export interface FolderLock {
  release(): void
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** Pid and start time (clock ticks since boot) of a process, or undefined when it is gone. */
function processOf(pid: string): { pid: string; start: string } | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The command's name stands in brackets and may hold blanks; state is the first field after it, start the 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const dead = fields[0] === 'Z' || fields[0] === 'X'
  return dead ? undefined : { pid: stat.slice(0, stat.indexOf(' ')), start: fields[19] ?? '' }
}

/** Host and pid namespace: only there do our pids mean anything. */
function machine(): string {
  return short(`${hostname()} ${readlinkSync('/proc/self/ns/pid')}`)
}

function boot(): string {
  return short(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'))
}

function ownName(): string {
  const self = processOf('self')
  return `${PREFIX}${machine()}-${boot()}-${self?.pid}-${self?.start}`
}

/** False only when it is certain that the holder is gone; a file of another machine is for its operator to remove. */
function isLive(dir: string, name: string): boolean {
  const match = NAME.exec(name)
  if (match === null || match[1] !== machine()) return true
  if (match[2] !== boot()) return false
  const holder = processOf(match[3] ?? '')
  if (holder !== undefined) return holder.start === match[4]
  // A process of another user may be hidden from us (hidepid).
  const owner = lstatSync(join(dir, name), { throwIfNoEntry: false })?.uid
  return owner !== undefined && owner !== lstatSync('/proc/self').uid
}

/** A live holder's file other than `own`; dead holders' files are removed. */
function other(dir: string, own: string): string | undefined {
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(PREFIX) || name === own) continue
    if (isLive(dir, name)) return name
    rmSync(join(dir, name), { force: true })
  }
  return undefined
}

/** The lock, or the name of the file by which another process (or this one) holds it. */
export async function lockFolder(dir: string): Promise<FolderLock | string> {
  const own = ownName()
  const path = join(dir, own)
  for (let attempt = 1; ; attempt++) {
    try {
      closeSync(openSync(path, 'wx'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return own
      throw error
    }
    const holder = other(dir, own)
    if (holder === undefined) return { release: () => rmSync(path, { force: true }) }
    rmSync(path, { force: true })
    if (attempt === ATTEMPTS) return holder
    // Two that start together may both give way: each tries again after its own while.
    await setTimeout(randomInt(10, 120))
  }
}
