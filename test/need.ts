/** What a test can't do without: elsewhere its lack skips the test, in CI it fails, so that nothing goes untested unseen. */
import { execFileSync, spawnSync } from 'node:child_process'

/** Returns where the condition holds. In a hook or a test: skips it elsewhere, and throws what is lacking in CI. */
export function need(context: Mocha.Context, met: boolean, lacking: string): asserts met {
  if (met) return
  if (process.env['CI']) throw new Error(lacking)
  context.skip()
}

/** Returns where strace may trace a program; {@link need}. */
export function needStrace(context: Mocha.Context): void {
  need(context, spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0, 'strace is missing or may trace nothing')
}

/** Returns what unmounts the folder again, once a disk of its own of that size lies there; {@link need}. */
export function needDisk(context: Mocha.Context, folder: string, bytes: number): () => void {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', folder])
  need(context, status === 0, 'no file system may be mounted here')
  return () => void execFileSync('umount', [folder])
}
