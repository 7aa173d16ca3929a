/**
 * The bare loop that imports are compared with: four threads, a connection each, that read blobs from their place
 * in the bundle, hash them on the way and PUT them; then the manifests by tag. No HEAD, no read-back, no trust, no
 * journal.
 *
 *   node bare-upload.ts JOB.json
 */
import { createHash } from 'node:crypto'
import { openSync, readFileSync, readSync } from 'node:fs'
import { isMainThread, workerData } from 'node:worker_threads'
import { BareConnection } from './bare-http.ts'
import { type BareBlob, type BareJob, type BareThread, drawn, runThreads } from './bare-job.ts'

const THREADS = 4
const CHUNK = 1024 * 1024
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

function* read(fd: number, { digest, size, offset }: BareBlob, buffer: Buffer): Generator<Buffer> {
  const hash = createHash('sha256')
  for (let done = 0; done < size;) {
    const count = readSync(fd, buffer, 0, Math.min(CHUNK, size - done), offset + done)
    if (count === 0) throw new Error(`${digest}: the bundle ends early`)
    const piece = buffer.subarray(0, count)
    hash.update(piece)
    done += count
    yield piece
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw new Error(`${digest}: another hash`)
}

function expect(status: number, what: string): void {
  if (status !== 201 && status !== 202) throw new Error(`${what}: status ${status}`)
}

async function upload(thread: BareThread): Promise<void> {
  const { job, fd } = thread
  const connection = new BareConnection(job.origin, job.caFile)
  const buffer = Buffer.allocUnsafe(CHUNK)
  const uploads = `/v2/${job.repository}/blobs/uploads/`
  for (const blob of drawn(thread)) {
    const opened = await connection.request({ method: 'POST', url: uploads, headers: { 'content-length': 0 } })
    expect(opened.status, blob.digest)
    const location = opened.headers.get('location') ?? ''
    const put = await connection.request({
      method: 'PUT',
      url: `${location}${location.includes('?') ? '&' : '?'}digest=${blob.digest}`,
      headers: { 'content-length': blob.size, 'content-type': 'application/octet-stream' },
      body: read(fd, blob, buffer),
    })
    expect(put.status, blob.digest)
  }
  connection.close()
}

async function tag(job: BareJob, fd: number): Promise<void> {
  const connection = new BareConnection(job.origin, job.caFile)
  const buffer = Buffer.allocUnsafe(CHUNK)
  for (const manifest of job.manifests) {
    const put = await connection.request({
      method: 'PUT',
      url: `/v2/${job.repository}/manifests/${manifest.tag}`,
      headers: { 'content-length': manifest.size, 'content-type': MANIFEST },
      body: read(fd, manifest, buffer),
    })
    expect(put.status, manifest.tag)
  }
  connection.close()
}

if (isMainThread) {
  const job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as BareJob
  const fd = openSync(job.file, 'r')
  await runThreads(new URL(import.meta.url), THREADS, job, fd)
  await tag(job, fd)
} else {
  await upload(workerData as BareThread)
}
