import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockFolder, type FolderLock } from '../../src/content/file-lock.ts'
import { needHiddenProc, withoutProc } from '../without-proc.ts'
import { scratch } from './scratch.ts'

describe('content/file-lock', () => {
  const fresh = scratch()
  const folder = (): string => {
    const dir = fresh('locked')
    mkdirSync(dir)
    return dir
  }
  const take = async (dir: string): Promise<FolderLock> => {
    const lock = await lockFolder(dir)
    if (typeof lock === 'string') assert.fail(`held by ${lock}`)
    return lock
  }
  /** The name of our own lock with one part replaced: machine, boot, pid, start. */
  const other = async (dir: string, part: 0 | 1 | 2 | 3, value: string): Promise<string> => {
    const lock = await take(dir)
    const [name = ''] = readdirSync(dir)
    lock.release()
    const parts = name.slice('.sallyport-lock-'.length).split('-')
    parts[part] = value
    const made = `.sallyport-lock-${parts.join('-')}`
    writeFileSync(join(dir, made), '')
    return made
  }

  it('gives the lock to one at a time', async () => {
    const dir = folder()
    const first = await take(dir)
    assert.equal(typeof (await lockFolder(dir)), 'string')
    first.release()
    assert.deepEqual(readdirSync(dir), [])
    ;(await take(dir)).release()
  })

  it('takes over from a process that is gone', async () => {
    const dir = folder()
    await other(dir, 2, '4194305')
    const lock = await take(dir)
    assert.equal(readdirSync(dir).length, 1)
    lock.release()
  })

  it('takes over when the pid now belongs to a younger process', async () => {
    const dir = folder()
    await other(dir, 3, '1')
    ;(await take(dir)).release()
  })

  it('takes over what an earlier boot of this machine left', async () => {
    const dir = folder()
    await other(dir, 1, '0'.repeat(12))
    ;(await take(dir)).release()
  })

  it('gives way to a holder on another machine, alive or not', async () => {
    const dir = folder()
    const name = await other(dir, 0, '0'.repeat(12))
    assert.equal(await lockFolder(dir), name)
    assert.deepEqual(readdirSync(dir), [name])
  })

  it('gives way to a lock file it cannot read', async () => {
    const dir = folder()
    writeFileSync(join(dir, '.sallyport-lock-of-the-future'), '')
    assert.equal(await lockFolder(dir), '.sallyport-lock-of-the-future')
  })

  describe('without /proc', () => {
    before(function () {
      needHiddenProc(this)
    })

    /** Who holds the lock when one is asked for there; '' for oneself, who gives it back. */
    const asked = (dir: string, give = true): string =>
      withoutProc(`import { lockFolder } from './src/content/file-lock.ts'
        const lock = await lockFolder(${JSON.stringify(dir)})
        if (typeof lock === 'string') console.log(lock)
        else if (${give}) lock.release()`)

    it('gives the lock to one at a time', () => {
      const dir = folder()
      assert.equal(asked(dir), '')
      assert.deepEqual(readdirSync(dir), [])
      asked(dir, false)
      assert.deepEqual(readdirSync(dir), [asked(dir)])
    })

    it('gives way to every holder, and every one gives way to it', async () => {
      const dir = folder()
      const lock = await take(dir)
      assert.deepEqual([asked(dir)], readdirSync(dir))
      lock.release()
      const dead = await other(dir, 2, '4194305')
      assert.equal(asked(dir), dead)
      ;(await take(dir)).release()
      asked(dir, false)
      assert.deepEqual([await lockFolder(dir)], readdirSync(dir))
    })
  })
})
