/** The layout of real images that `fixtures/images/build.sh` makes, built once a machine. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { peersBin } from './run.ts'

const BUILD = fileURLToPath(new URL('../../../fixtures/images/build.sh', import.meta.url))

/** The OCI layout's folder; tags `busybox`, `porter` (indexes) and `busybox-amd64` and so on (images). Read only. */
export async function imagesLayout(): Promise<string> {
  const bin = peersBin()
  if (bin === undefined) throw new Error('the real counterparts are missing: run scripts/peers.sh')
  // Beside the counterparts, under a name that changes with the script.
  const key = createHash('sha256').update(readFileSync(BUILD)).digest('hex').slice(0, 16)
  const layout = join(dirname(bin), `images-${key}`)
  await promisify(execFile)(BUILD, [layout], { env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` } })
  return layout
}
