/** A small registry in memory with a Referrers API, which none of the counterparts here has. Over plain HTTP. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const INDEX = 'application/vnd.oci.image.index.v1+json'

interface Stored {
  type: string
  bytes: Buffer
}

export interface ApiRegistry {
  host: string
  /** Requests that would change something. */
  writes: string[]
  manifests: Map<string, Stored>
  blobs: Map<string, Buffer>
  close(): Promise<void>
}

interface Body {
  subject?: { digest: string }
  artifactType?: string
  config?: { mediaType: string; digest: string }
  layers?: { digest: string }[]
  annotations?: Record<string, string>
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** What a registry says of what it doesn't have; `path` is all between `/v2/` and the kind. */
type Missing = (path: string, kind: string, name: string) => { code: string; message?: string }

const asSpec: Missing = (_path, kind) => ({ code: kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN' })

/** One repository, whatever it is called. A manifest is taken when its blobs are there, as the spec lets a registry demand. */
export async function apiRegistry(missing: Missing = asSpec): Promise<ApiRegistry> {
  const writes: string[] = []
  const manifests = new Map<string, Stored>()
  const blobs = new Map<string, Buffer>()

  const referrers = (subject: string): object[] =>
    [...manifests].flatMap(([digest, { type, bytes }]) => {
      if (!digest.startsWith('sha256:')) return []
      const body = JSON.parse(bytes.toString()) as Body
      if (body.subject?.digest !== subject) return []
      const artifactType = body.artifactType ?? body.config?.mediaType
      return [{ mediaType: type, digest, size: bytes.length, artifactType, annotations: body.annotations }]
    })

  const put = (name: string, type: string, bytes: Buffer): number => {
    const body = JSON.parse(bytes.toString()) as Body
    const parts = [...(body.config === undefined ? [] : [body.config]), ...(body.layers ?? [])]
    if (parts.some(({ digest }) => !blobs.has(digest))) return 404
    manifests.set(digestOf(bytes), { type, bytes })
    manifests.set(name, { type, bytes })
    return 201
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? ''
    const url = new URL(request.url ?? '', 'http://x')
    const bytes = await read(request)
    if (!['GET', 'HEAD'].includes(method)) writes.push(`${method} ${url.pathname}`)
    const [, path = '', kind = '', name = ''] =
      /^\/v2\/(.*)\/(manifests|blobs|referrers|tags)\/(.*)$/.exec(url.pathname) ?? []
    const send = (status: number, headers: Record<string, string> = {}, body: Buffer | string = ''): void => {
      response.writeHead(status, { 'content-length': String(Buffer.byteLength(body)), ...headers })
      response.end(method === 'HEAD' ? undefined : body)
    }
    if (kind === '') return send(200)
    if (kind === 'tags') {
      const tags = [...manifests.keys()].filter((key) => !key.startsWith('sha256:'))
      return send(200, { 'content-type': 'application/json' }, JSON.stringify({ name: 'app', tags }))
    }
    if (kind === 'referrers')
      return send(
        200,
        { 'content-type': INDEX },
        JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: referrers(name) }),
      )
    if (kind === 'blobs' && method === 'POST') return send(202, { location: `${url.pathname}1` })
    if (kind === 'blobs' && method === 'PUT') {
      const digest = url.searchParams.get('digest') ?? ''
      if (digest !== digestOf(bytes)) return send(400)
      blobs.set(digest, bytes)
      return send(201, { location: `/v2/app/blobs/${digest}` })
    }
    if (kind === 'manifests' && method === 'PUT') {
      const status = put(name, request.headers['content-type'] ?? '', bytes)
      const subject = (JSON.parse(bytes.toString()) as Body).subject?.digest
      return send(status, subject === undefined ? {} : { 'oci-subject': subject })
    }
    const found = kind === 'blobs' ? blobs.get(name) : manifests.get(name)
    if (found === undefined) return send(404, {}, JSON.stringify({ errors: [missing(path, kind, name)] }))
    const [type, body] = Buffer.isBuffer(found) ? ['application/octet-stream', found] : [found.type, found.bytes]
    return send(200, { 'content-type': type, 'docker-content-digest': digestOf(body) }, body)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    manifests,
    blobs,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
