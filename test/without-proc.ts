/** A program that has no /proc, as in a sandbox. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { join } from 'node:path'
import { need } from './need.ts'

const HOME = join(import.meta.dirname, '..')

function run(...program: string[]): SpawnSyncReturns<string> {
  const script = 'mount -t tmpfs none /proc && exec "$@"'
  return spawnSync('unshare', ['-m', 'bash', '-c', script, 'bare', ...program], { cwd: HOME, encoding: 'utf8' })
}

/** Returns where such a program can be run; {@link need}. */
export function needHiddenProc(context: Mocha.Context): void {
  need(context, run('true').status === 0, '/proc can not be hidden from a program here')
}

/** What a module in TypeScript says, run from the home of the sources. */
export function withoutProc(module: string): string {
  const { stdout, stderr, status } = run(process.execPath, '--input-type=module-typescript', '-e', module)
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}
