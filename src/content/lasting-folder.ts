/** Folders whose names outlast a power cut: a name is on the disk when the folder it stands in was synced. */
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { syncFolderAside } from './durable-file.ts'

/**
 * Makes the folder where it is absent, with those above it; its name lasts when the promise is kept, also that of one
 * which a killed run made and did not sync. Throws what the system throws.
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  const folder = resolve(path)
  const above = dirname(folder)
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) {
    if (above !== folder) await makeFolder(above, mode)
    // Not recursive: Node would say ENOENT for whatever else is in the way, of a read-only mount too.
    await mkdir(folder, { mode }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  try {
    await syncFolderAside(above)
  } catch (error) {
    // One may be let into a folder that one may not list; then its owner made the name, and has to see to it.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
}
