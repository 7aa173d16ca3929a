/**
 * A folder inside an inbox where a watch puts what it is done with, each file with a report beside it.
 *
 *     .NAME.report.json.new   written first, whole and durable
 *     NAME                    the bundle, moved here
 *     NAME.report.json        the report, under its own name: the last step
 *
 * A kill in between leaves a report under its hidden name: with the bundle here it is put in its place at the next start,
 * without it it goes, since the bundle lies in the inbox still and is handled again.
 */
import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, opendirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder, writeNew } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { markOf, NAME_CAP, type Arrival } from './inbox.ts'

const HIDDEN = /^\.(.+)\.report\.json\.new$/s
const NUMBERED = 20

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

export class Shelf {
  readonly #inbox: string
  readonly #dir: string

  private constructor(inbox: string, name: string) {
    this.#inbox = inbox
    this.#dir = join(inbox, name)
  }

  /** Makes the folder if it is absent, and ends what a killed run began. The caller has the inbox's lock. Throws OUTPUT_FAILED, DISK_FULL. */
  static open(inbox: string, name: string): Shelf {
    const shelf = new Shelf(inbox, name)
    try {
      if (!exists(shelf.#dir)) mkdirSync(shelf.#dir, { mode: 0o750 })
      shelf.#demandOwn()
      shelf.#settle()
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', shelf.#dir)
    }
    return shelf
  }

  /** Whoever may write into the inbox could lead us elsewhere by a link, or keep a folder of his own under this name. */
  #demandOwn(): void {
    const { uid } = lstatSync('/proc/self')
    const stat = lstatSync(this.#dir)
    if (stat.isDirectory() && stat.uid === uid) return
    throw new SallyportError('OUTPUT_FAILED', {
      side: 'state',
      subject: this.#dir,
      detail: 'it is no folder of the user who watches',
    })
  }

  #settle(): void {
    const names: string[] = []
    const folder = opendirSync(this.#dir)
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync())
        if (HIDDEN.test(entry.name)) names.push(entry.name)
    } finally {
      folder.closeSync()
    }
    for (const hidden of names) {
      const name = HIDDEN.exec(hidden)?.[1] ?? ''
      const report = join(this.#dir, `${name}.report.json`)
      if (exists(join(this.#dir, name)) && !exists(report)) renameSync(join(this.#dir, hidden), report)
      else rmSync(join(this.#dir, hidden), { force: true })
    }
    if (names.length > 0) syncFolder(this.#dir)
  }

  /** A name that neither a bundle nor a report has here. */
  #free(name: string): string {
    const stem = name.replace(/\.tar$/, '')
    for (let i = 1; ; i++) {
      const tried = i === 1 ? name : `${stem}.${i <= NUMBERED ? String(i) : randomBytes(6).toString('hex')}.tar`
      if (!exists(join(this.#dir, tried)) && !exists(join(this.#dir, `${tried}.report.json`))) return tried
    }
  }

  /**
   * Moves a file out of the inbox, never over another; its name here. Undefined when another file has its name by now or
   * it was written to since it was seen: what lies there then stays in the inbox.
   * Throws OUTPUT_FAILED, DISK_FULL: then the file lies where it was.
   */
  put({ name, mark }: Arrival, report: string): string | undefined {
    const from = join(this.#inbox, name)
    const to = this.#free(name)
    const hidden = join(this.#dir, `.${to}.report.json.new`)
    try {
      this.#demandOwn()
      rmSync(hidden, { force: true })
      writeNew(hidden, report, 0o640)
      syncFolder(this.#dir)
      const now = lstatSync(from, { bigint: true, throwIfNoEntry: false })
      // A receiver may write the next bundle into the same file; it was never looked at.
      if (now === undefined || markOf(now) !== mark) {
        rmSync(hidden, { force: true })
        return undefined
      }
      // The lock keeps other watches out, and nobody else writes here: nothing is there that this could replace.
      renameSync(from, join(this.#dir, to))
      const moved = lstatSync(join(this.#dir, to), { bigint: true })
      // A rename changes the time of the last change, and nothing else.
      if (markOf({ ...moved, ctimeNs: now.ctimeNs }) !== mark) {
        this.#giveBack(to, name)
        rmSync(hidden, { force: true })
        return undefined
      }
      renameSync(hidden, join(this.#dir, `${to}.report.json`))
      syncFolder(this.#dir)
      syncFolder(this.#inbox)
      return to
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', join(this.#dir, to))
    }
  }

  /** Leaves a report whose bundle is gone, since another one took its name; the report's name here. Throws OUTPUT_FAILED, DISK_FULL. */
  keep({ name }: Pick<Arrival, 'name'>, report: string): string {
    const at = `${this.#free(name)}.report.json`
    const hidden = join(this.#dir, `.${at}.new`)
    try {
      this.#demandOwn()
      rmSync(hidden, { force: true })
      writeNew(hidden, report, 0o640)
      renameSync(hidden, join(this.#dir, at))
      syncFolder(this.#dir)
      return at
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', join(this.#dir, at))
    }
  }

  /** Its own name may be another's again, and no rename asks first: it gets one that nobody has. */
  #giveBack(to: string, name: string): void {
    const random = `${randomBytes(6).toString('hex')}.tar`
    const own = `${name.replace(/\.tar$/, '')}.${random}`
    renameSync(join(this.#dir, to), join(this.#inbox, Buffer.byteLength(own) > NAME_CAP ? random : own))
    syncFolder(this.#dir)
    syncFolder(this.#inbox)
  }
}
