/**
 * The bare loop that exports are compared with: four threads, a connection each, that fetch blobs, hash them on the
 * way and write them to their place in one file. No plan, no tar, no manifests, no retries, no trust.
 *
 *   node bare-download.ts JOB.json
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { isMainThread, workerData } from 'node:worker_threads'
import { BareConnection } from './bare-http.ts'
import { type BareJob, type BareThread, drawn, runThreads } from './bare-job.ts'

const THREADS = 4

async function download(thread: BareThread): Promise<void> {
  const { job, fd } = thread
  const connection = new BareConnection(job.origin, job.caFile)
  for (const { digest, size, offset } of drawn(thread)) {
    const hash = createHash('sha256')
    let at = offset
    const { status } = await connection.request({
      method: 'GET',
      url: `/v2/${job.repository}/blobs/${digest}`,
      onBody(bytes) {
        hash.update(bytes)
        for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, at + done)
        at += bytes.length
      },
    })
    if (status !== 200 || at - offset !== size || `sha256:${hash.digest('hex')}` !== digest) {
      throw new Error(`${digest}: status ${status}, ${at - offset} bytes of ${size}, or another hash`)
    }
  }
  connection.close()
}

if (isMainThread) {
  const job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as BareJob
  const fd = openSync(job.file, 'w')
  await runThreads(new URL(import.meta.url), THREADS, job, fd)
  closeSync(fd)
} else {
  await download(workerData as BareThread)
}
