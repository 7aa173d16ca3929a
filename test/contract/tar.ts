/** Tars a folder as other tools do: in any order, with folders as members. */
import { createWriteStream, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'

/** Writes `file` with all that stands under `dir`, each name behind `prefix`. */
export async function tarFolder(dir: string, file: string, prefix = ''): Promise<void> {
  const tar = pack()
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const name = prefix + relative(dir, join(entry.parentPath, entry.name))
    if (entry.isDirectory()) tar.entry({ name: `${name}/`, type: 'directory' })
    else tar.entry({ name }, readFileSync(join(entry.parentPath, entry.name)))
  }
  tar.finalize()
  await pipeline(tar, createWriteStream(file))
}
