/** A program that finds no room for more than so many bytes in one file. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const HOME = join(import.meta.dirname, '..')

/**
 * What a module in TypeScript says, run from the home of the sources where no file may grow beyond `kib`. As on a disk
 * that is nearly full, the write that meets the limit takes a part of the bytes, and the next one is refused.
 */
export function inSmallRoom(kib: number, module: string): string {
  const limited = ['-c', `ulimit -f ${kib}; exec "$@"`, 'limited', process.execPath]
  const { stdout, stderr, status } = spawnSync('bash', [...limited, '--input-type=module-typescript', '-e', module], {
    cwd: HOME,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}
