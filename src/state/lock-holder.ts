/** Who holds a lock. */
import { randomBytes } from 'node:crypto'
import { isJsonObject, type Json } from '../codec/index.ts'
import { thisProcess, type ProcessMark } from '../content/index.ts'
import { secondsOf } from './journal-row.ts'

export interface Holder extends ProcessMark {
  since: string
  /** Names this one taking of the lock. */
  nonce: string
}

/** This process as a holder. */
export function thisHolder(now: Date): Holder {
  return { ...thisProcess(), since: secondsOf(now), nonce: randomBytes(8).toString('hex') }
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
