/** A process that takes a lock, says how it went, and holds it until its input ends. Arguments: the lock's path. */
import { Lock } from '../../src/state/lock.ts'
import { SallyportError } from '../../src/errors/index.ts'

const [path = ''] = process.argv.slice(2)
try {
  const lock = await Lock.take(path, new Date('2026-11-24T12:00:00Z'))
  process.stdout.write('taken\n')
  for await (const _ of process.stdin);
  await lock.release()
} catch (error) {
  process.stdout.write(`${error instanceof SallyportError ? error.code : String(error)}\n`)
}
