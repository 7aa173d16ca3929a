/** Runs the program while the kernel refuses it some calls on one file (strace), as a bad medium or a race would. */
import { spawn } from 'node:child_process'
import { COMPILE_CACHE, documentIn, MAIN, type JsonResult } from './program.ts'

export interface Refusal {
  /** In strace's words: `openat`, `read,pread64`. */
  calls: string
  /** The file or folder they are about. */
  path: string
  error: string
  /** Which of them, in strace's words; all by default. */
  when?: string
}

/** What the run said, and its exit status. */
export async function refused(
  args: readonly string[],
  { calls, path, error, when = '1+' }: Refusal,
): Promise<{ status: number | null; out: JsonResult }> {
  const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}:when=${when}`]
  const under = ['-f', '-qq', '-o', '/dev/null', '-P', path, ...inject]
  const child = spawn('strace', [...under, process.execPath, MAIN, ...args, '--json', '--quiet'], {
    // strace counts the calls of each thread.
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', UV_THREADPOOL_SIZE: '1', ...COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { status, out: documentIn(text) }
}
