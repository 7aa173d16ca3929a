import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { WorkerPool } from '../../src/registry/workers.ts'
import { randomBlob } from '../contract/content.ts'

describe('registry/workers', () => {
  const work = { kind: 'push', span: { fd: -1, offset: 0 }, mountFrom: undefined } as const

  it('fails every job, those that wait too, when no thread lives', async () => {
    const { descriptor } = randomBlob(10)
    // Threads that end as they start: their options are refused there.
    const pool = new WorkerPool({ side: 'target', caPem: 'no certificate' }, 2)
    const push = (): Promise<unknown> =>
      pool.carry({ host: 'registry.site:5000', path: 'a/b', descriptor, work }, () => undefined, undefined)
    const jobs = await Promise.allSettled(Array.from({ length: 7 }, push))
    for (const job of jobs) assert.ok(job.status === 'rejected' && isFault(job.reason, 'INTERNAL'))
    await pool.close()
  })

  it('fails what waits when it is closed', async () => {
    const { descriptor } = randomBlob(10)
    const pool = new WorkerPool({ side: 'target' }, 2)
    const jobs = Array.from({ length: 5 }, () =>
      pool.carry({ host: '127.0.0.1:1', path: 'a/b', descriptor, work }, () => undefined, undefined),
    )
    const settled = Promise.allSettled(jobs)
    await pool.close()
    for (const job of await settled) assert.equal(job.status, 'rejected')
  })
})
