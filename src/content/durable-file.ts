/**
 * Files that survive a power cut: whole on the disk before they have their name, and the name on the disk when the call
 * is over. What ends in `Aside` does the same off the main thread.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, write, writeSync } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { writeFault } from '../errors/index.ts'

const writeFrom = promisify(write)

/** Writes all of `bytes` at an offset: a nearly full disk takes a part, and refuses when it is asked for the rest. Throws what the system throws. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done)
}

/** As {@link writeAll}. Duty of the caller, for a bare descriptor: it stays open until the promise is settled. */
export async function writeAllAside(to: FileHandle | number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const [left, at] = [bytes.length - done, position + done]
    const { bytesWritten } = await (typeof to === 'number'
      ? writeFrom(to, bytes, done, left, at)
      : to.write(bytes, done, left, at))
    done += bytesWritten
  }
}

/** Makes the names in a folder last: without it a file can be whole on the disk and yet have no name there. Throws what the system throws. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** As {@link syncFolder}. */
export async function syncFolderAside(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a file whose bytes last; its name does when the caller has synced the folder. Throws what the system throws. */
export function writeNew(file: string, content: string | Uint8Array, mode = 0o600): void {
  const fd = openSync(file, 'wx', mode)
  try {
    writeAll(fd, Buffer.from(content), 0)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Puts a file in place in one step: after any fault or kill it is what it was before. Throws DISK_FULL, OUTPUT_FAILED.
 * Duty of the caller: no other run has the same `scratch`, which is removed first.
 * @param scratch - what is written and then renamed, on the same file system
 */
export function placeFile(file: string, content: string | Uint8Array, mode: number, scratch = `${file}.new`): void {
  try {
    rmSync(scratch, { force: true })
    writeNew(scratch, content, mode)
    renameSync(scratch, file)
    syncFolder(dirname(file))
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}

/**
 * As {@link placeFile}, for what comes in parts: `fill` writes a file of mode 0600 under a name that no other run has.
 * Throws what the system and `fill` throw.
 */
export async function placeFileAside(file: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const scratch = `${file}.${randomBytes(4).toString('hex')}.new`
  try {
    const handle = await open(scratch, 'wx+', 0o600)
    try {
      await fill(handle)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(scratch, file)
    await syncFolderAside(dirname(file))
  } catch (cause) {
    await rm(scratch, { force: true }).catch(() => undefined)
    throw cause
  }
}
