/**
 * A lock on a folder, held by a file whose name says who holds it.
 * Each contender makes its own file first and looks for others second: of two that hold files, at least one sees the
 * other and gives way. A dead holder's file may be removed by anyone, since its name never comes again.
 */
import { createHash, randomInt } from 'node:crypto'
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isGone, thisProcess, type ProcessMark } from './process-mark.ts'

const PREFIX = '.sallyport-lock-'
const NAME = /^\.sallyport-lock-([0-9a-f]{12})-([0-9a-f]{12})-(\d+)-(\d+)$/
const ATTEMPTS = 4

export interface FolderLock {
  release(): void
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** Of a holder who could not read it. */
const NO_BOOT = short('')

/** As a name says it: of boot, host and pid namespace a hash, since a name holds no blanks and not all characters. */
function inName(me: ProcessMark): ProcessMark {
  const machine = short(`${me.host} ${me.space}`)
  return { ...me, boot: me.boot === '' ? '' : short(`${me.boot}\n`), host: machine, space: machine }
}

function nameOf({ host, boot, pid, start }: ProcessMark): string {
  return `${PREFIX}${host}-${boot || NO_BOOT}-${pid}-${start || 0}`
}

/** The process that a name speaks of, or undefined when it speaks of none. */
function holderIn(name: string): ProcessMark | undefined {
  const [, machine = '', boot = '', pid, start = ''] = NAME.exec(name) ?? []
  if (pid === undefined) return undefined
  return { pid: Number(pid), start, boot: boot === NO_BOOT ? '' : boot, host: machine, space: machine }
}

/** The file of another holder who is not proven gone; those of the others are removed. */
function other(dir: string, me: ProcessMark): string | undefined {
  const own = nameOf(me)
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(PREFIX) || name === own) continue
    const holder = holderIn(name)
    // A file of another machine is for its operator to remove.
    if (holder === undefined || !isGone(holder, me, join(dir, name))) return name
    rmSync(join(dir, name), { force: true })
  }
  return undefined
}

/** The lock, or the name of the file by which another process (or this one) holds it. */
export async function lockFolder(dir: string): Promise<FolderLock | string> {
  const me = inName(thisProcess())
  const own = nameOf(me)
  const path = join(dir, own)
  for (let attempt = 1; ; attempt++) {
    try {
      closeSync(openSync(path, 'wx'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return own
      throw error
    }
    const holder = other(dir, me)
    if (holder === undefined) return { release: () => rmSync(path, { force: true }) }
    rmSync(path, { force: true })
    if (attempt === ATTEMPTS) return holder
    // Two that start together may both give way: each tries again after its own while.
    await setTimeout(randomInt(10, 120))
  }
}
