/** A program that has no /proc, as in a sandbox. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { join } from 'node:path'

const HOME = join(import.meta.dirname, '..')

function run(...program: string[]): SpawnSyncReturns<string> {
  const script = 'mount -t tmpfs none /proc && exec "$@"'
  return spawnSync('unshare', ['-m', 'bash', '-c', script, 'bare', ...program], { cwd: HOME, encoding: 'utf8' })
}

/** False where such a program can't be run. */
export function canHideProc(): boolean {
  return run('true').status === 0
}

/** What a module in TypeScript says, run from the home of the sources. */
export function withoutProc(module: string): string {
  const { stdout, stderr, status } = run(process.execPath, '--input-type=module-typescript', '-e', module)
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}
