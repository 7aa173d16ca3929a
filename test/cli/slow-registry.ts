/** A registry with one image, whose blobs come in drops until it is told to hurry; it honours ranges and counts bytes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf, OCI_MANIFEST, type Descriptor } from '../../src/oci/index.ts'

export interface SlowRegistry {
  /** `host/repository:tag` of the image. */
  reference: string
  layers: Descriptor[]
  /** Bytes of blobs given out. */
  given(): number
  hurry(): void
  stop(): Promise<void>
}

const DROP = 256 * 1024

export async function slowRegistry(layerSizes: readonly number[]): Promise<SlowRegistry> {
  let given = 0
  let slow = true
  const blobs = new Map<string, Buffer>()
  const keep = (mediaType: string, bytes: Buffer): Descriptor => {
    const digest = digestOf(bytes)
    blobs.set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const config = keep('application/vnd.oci.image.config.v1+json', Buffer.from('{"architecture":"amd64","os":"linux"}'))
  const layers = layerSizes.map((size, i) =>
    keep('application/vnd.oci.image.layer.v1.tar', Buffer.alloc(size, `layer ${i} of a slow registry. `)),
  )
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }))
  const digest = digestOf(manifest)

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const last = path.split('/').at(-1) ?? ''
    const json = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (path === '/v2/') return json(200, {})
    if (path === '/v2/slow/image/tags/list') return json(200, { name: 'slow/image', tags: ['1'] })
    if (path.includes('/manifests/') && [digest, '1'].includes(last)) {
      const headers = {
        'content-type': OCI_MANIFEST,
        'content-length': manifest.length,
        'docker-content-digest': digest,
      }
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : manifest)
      return
    }
    const blob = blobs.get(last)
    if (!path.includes('/blobs/') || blob === undefined) return json(404, { errors: [{ code: 'MANIFEST_UNKNOWN' }] })
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` }
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': blob.length - from, ...(from > 0 ? range : {}) })
    const pour = async (): Promise<void> => {
      for (let at = from; at < blob.length && !response.destroyed; at += DROP) {
        const drop = blob.subarray(at, at + DROP)
        response.write(drop)
        given += drop.length
        if (slow) await sleep(15)
      }
      response.end()
    }
    void pour()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    reference: `127.0.0.1:${(server.address() as AddressInfo).port}/slow/image:1`,
    layers,
    given: () => given,
    hurry: () => void (slow = false),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
