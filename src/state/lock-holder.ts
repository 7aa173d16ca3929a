/** Who holds a lock, and the proof that he is gone. Linux: everything is read from /proc. */
import { randomBytes } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isJsonObject, type Json } from '../codec/index.ts'
import { secondsOf } from './journal-row.ts'

export interface Holder {
  pid: number
  /** Start of the process in ticks since boot, so that a reused pid is not taken for the holder. */
  start: string
  boot: string
  host: string
  /** The pid namespace: in another one the pid says nothing. */
  space: string
  since: string
  /** Names this one taking of the lock. */
  nonce: string
}

interface Process {
  pid: number
  state: string
  start: string
}

async function processAt(name: string): Promise<Process | undefined> {
  const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => undefined)
  if (stat === undefined) return undefined
  // The second field is the program's name in brackets and may itself hold brackets and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { pid: Number.parseInt(stat, 10), state: fields[0] ?? '', start: fields[19] ?? '' }
}

async function boot(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '')).trim()
}

async function space(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}

/** This process as a holder. Without /proc the pid is 0 and nobody can ever prove it gone. */
export async function thisProcess(now: Date): Promise<Holder> {
  const self = await processAt('self')
  return {
    pid: self?.pid ?? 0,
    start: self?.start ?? '',
    boot: await boot(),
    host: hostname(),
    space: await space(),
    since: secondsOf(now),
    nonce: randomBytes(8).toString('hex'),
  }
}

/**
 * True only when it is proven that the holder does not run any more: the machine was booted since, or in the same pid
 * namespace its pid is free, a zombie, or another process. A holder on another host or in another container is never
 * proven gone: two importers on one state cost more than one lock file removed by hand.
 */
export async function isGone(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname() || holder.boot === '') return false
  if (holder.boot !== (await boot())) return true
  if (holder.pid === 0 || holder.space !== (await space())) return false
  const found = await processAt(String(holder.pid))
  return found === undefined || found.start !== holder.start || found.state === 'Z' || found.state === 'X'
}

/** The holder that a lock file names, or undefined when it is not one of ours. */
export function parseHolder(text: string): Holder | undefined {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const { pid, start, boot, host, space, since, nonce } = value as { [K in keyof Holder]?: Json }
  if (typeof pid !== 'number' || typeof start !== 'string' || typeof boot !== 'string') return undefined
  if (typeof host !== 'string' || typeof space !== 'string' || typeof since !== 'string') return undefined
  // The nonce becomes part of a file's name.
  if (typeof nonce !== 'string' || !/^[0-9a-f]{16}$/.test(nonce)) return undefined
  return { pid, start, boot, host, space, since, nonce }
}
