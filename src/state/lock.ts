/** One writer a folder: a lock file that names its holder and that a dead holder cannot keep. */
import { link, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isGone, thisProcess } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { asFault, errnoOf } from './fault.ts'
import { parseHolder, thisHolder, type Holder } from './lock-holder.ts'

const ATTEMPTS = 20

export class Lock {
  readonly path: string
  readonly #nonce: string

  private constructor(path: string, nonce: string) {
    this.path = path
    this.#nonce = nonce
  }

  /**
   * The lock at `path`, held until {@link Lock.release} or the end of this process.
   * Throws STATE_LOCKED with the holder's pid and since when, also when this same process holds it; STATE_UNWRITABLE.
   * The folder must lie on a file system with hard links, seen by processes of one host.
   */
  static async take(path: string, now: Date): Promise<Lock> {
    const me = thisHolder(now)
    const temp = `${path}.${me.nonce}`
    try {
      await writeHolder(temp, me)
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if ((await linked(temp, path)) || (await seized(temp, path, now))) {
          // What dead processes left is in nobody's way, and must not keep a lock that nobody knows of then.
          await sweep(path).catch(() => undefined)
          return new Lock(path, me.nonce)
        }
      }
    } catch (cause) {
      throw asFault(cause, 'STATE_UNWRITABLE', path)
    } finally {
      await rm(temp, { force: true }).catch(() => undefined)
    }
    throw locked(path, undefined)
  }

  /**
   * Gives the lock back. One that was removed by hand and taken by another is left alone. Never throws: what cannot be
   * given back falls when this process ends.
   */
  async release(): Promise<void> {
    try {
      if ((await holderAt(this.path))?.nonce === this.#nonce) await rm(this.path, { force: true })
    } catch {
      // The work under the lock is done and acknowledged; its success must not turn into a failure here.
    }
  }
}

/** Synced before it is linked: after a power cut a lock file is whole or absent. */
async function writeHolder(path: string, holder: Holder): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(holder)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function linked(temp: string, path: string): Promise<boolean> {
  try {
    await link(temp, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** The holder named by a lock file; undefined when there is no file. Throws STATE_LOCKED when it names none. */
async function holderAt(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const holder = parseHolder(text)
  if (holder === undefined) throw locked(path, undefined)
  return holder
}

/**
 * Takes over from a dead holder. Two processes may find it dead at once, and the slower one must not throw the faster
 * one's fresh lock away. So whoever replaces the lock of nonce N first holds a second lock named after N and looks
 * again; that second lock is taken by the same rules, so a death in between costs nothing.
 */
async function seized(temp: string, path: string, now: Date): Promise<boolean> {
  const holder = await holderAt(path)
  if (holder === undefined) return false
  if (!isGone(holder, thisProcess(), path)) throw locked(path, holder)
  const claim = await Lock.take(`${path}.gone-${holder.nonce}`, now)
  try {
    if ((await holderAt(path))?.nonce !== holder.nonce) return false
    const fresh = `${temp}.in`
    await link(temp, fresh)
    await rename(fresh, path)
    return true
  } finally {
    await claim.release()
  }
}

/** Clears what processes that died while taking the lock left beside it. */
async function sweep(path: string): Promise<void> {
  const folder = dirname(path)
  const prefix = `${basename(path)}.`
  const me = thisProcess()
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue
    const left = join(folder, name)
    const holder = parseHolder(await readFile(left, 'utf8').catch(() => ''))
    if (holder !== undefined && isGone(holder, me, left)) await rm(left, { force: true })
  }
}

function locked(path: string, holder: Holder | undefined): SallyportError {
  return new SallyportError('STATE_LOCKED', {
    side: 'state',
    subject: path,
    detail:
      holder === undefined
        ? 'the lock file names no holder'
        : `process ${holder.pid} on ${holder.host} since ${holder.since}`,
    remedy: 'wait for it to end; if it is proven to run no more, on any host or container, remove the lock file',
  })
}
