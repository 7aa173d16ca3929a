/** Which process one is, in words that outlast it, and the proof that it is gone. Linux: everything is read from /proc. */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessMark {
  /** 0 when it is not known. */
  pid: number
  /** Start of the process in ticks since boot, so that a reused pid is not taken for it. */
  start: string
  /** Empty when it is not known. */
  boot: string
  host: string
  /** The pid namespace: in another one the pid says nothing. */
  space: string
}

interface Found {
  pid: number
  state: string
  start: string
}

/** What `read` gives; undefined when the system refuses it, with or without /proc. */
function known<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function found(name: string): Found {
  const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
  // The second field is the program's name in brackets and may itself hold brackets and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { pid: Number.parseInt(stat, 10), state: fields[0] ?? '', start: fields[19] ?? '' }
}

/** This process. Without /proc the pid is 0, and nobody can ever prove it gone. */
export function thisProcess(): ProcessMark {
  const self = known(() => found('self'))
  return {
    pid: self?.pid ?? 0,
    start: self?.start ?? '',
    boot: known(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()) ?? '',
    host: hostname(),
    space: known(() => readlinkSync('/proc/self/ns/pid')) ?? '',
  }
}

/** The effective user of this process. */
function user(): number | undefined {
  const uid = known(() => /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1])
  return uid === undefined ? undefined : Number(uid)
}

/** True when the process that made the file may be there unseen, as those of other users are under `hidepid`. */
function mayHide(file: string): boolean {
  const owner = lstatSync(file, { throwIfNoEntry: false })?.uid
  const own = user()
  return owner !== undefined && owner !== own && own !== 0
}

/**
 * True only when it is proven that the process does not run any more: the machine was booted since, or in the same pid
 * namespace its pid is free, a zombie, or another process. One on another host or in another container is never proven
 * gone, nor is any by a reader without /proc: two writers in one folder cost more than one file removed by hand.
 * @param me - {@link thisProcess}, in the same words as `mark`
 * @param file - made by the process, and so its user's
 */
export function isGone(mark: ProcessMark, me: ProcessMark, file: string): boolean {
  if (mark.host !== me.host || mark.boot === '' || me.boot === '') return false
  if (mark.boot !== me.boot) return true
  if (mark.pid === 0 || mark.space !== me.space) return false
  try {
    const { start, state } = found(String(mark.pid))
    return start !== mark.start || state === 'Z' || state === 'X'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Of one that ends while it is read the system says ESRCH; whatever else it says is no proof.
    return (code === 'ENOENT' || code === 'ESRCH') && !mayHide(file)
  }
}
