/** A canary stands where a registry may send us; in no shape of hop may it see a credential. */
import assert from 'node:assert/strict'
import { isFault, type Code } from '../../src/errors/index.ts'
import type { RegistryClient } from '../../src/registry/index.ts'
import { collect, manifest, randomBlob } from '../contract/content.ts'
import {
  clientOf,
  Opened,
  scripted,
  type Answering,
  type Asked,
  type Reply,
  type Scripted,
  type Tls,
} from './scripted.ts'
import { selfSigned } from './self-signed.ts'

const blob = randomBlob(5_000)
const large = randomBlob(2_000_000)
const image = manifest(blob)
const PASSWORD = 'canary-must-not-see-this'
const BASIC = `Basic ${Buffer.from(`jane:${PASSWORD}`).toString('base64')}`
const SECRETS = [PASSWORD, BASIC.slice(6), 'bearer-of-the-registry', 'jane']
const STATUSES = [301, 302, 303, 307, 308]

const BLOB = `/v2/a/b/blobs/${blob.descriptor.digest}`
const MANIFEST = `/v2/a/b/manifests/${image.descriptor.digest}`

interface Place {
  fake: Scripted
  canary: Scripted
  secure: Scripted
  client: RegistryClient
}

type Act = (client: RegistryClient, host: string) => Promise<unknown>

interface Shape {
  name: string
  /** What the registry answers, once it has been given credentials. */
  script: (place: Place) => Record<string, Reply>
  act: Act
  /** The code of the refusal, or undefined when the hop is followed. */
  code?: Code
  /** The canary is asked nothing at all. */
  silent?: boolean
  registryTls?: boolean
}

const getBlob: Act = (client, host) => collect(client.source(host, 'a/b').blob(blob.descriptor))
const getManifest: Act = (client, host) => client.source(host, 'a/b').manifest(image.descriptor)
const headBlob: Act = (client, host) => client.targetPlace(host).repository('a/b').hasBlob(blob.descriptor)
const listTags: Act = (client, host) => client.source(host, 'a/b').tags()
const push =
  (what: typeof blob): Act =>
  (client, host) =>
    client
      .targetPlace(host)
      .repository('a/b')
      .pushBlob(what.descriptor, {
        async *open() {
          for (let at = 0; at < what.bytes.length; at += 65_536) yield what.bytes.subarray(at, at + 65_536)
        },
      })

const to = (status: number, location: string): Answering => ({ status, headers: { location } })

const SHAPES: Shape[] = [
  ...STATUSES.flatMap((status): Shape[] => [
    {
      name: `${status} of a blob to another port`,
      script: ({ canary }) => ({ [`GET ${BLOB}`]: to(status, `${canary.origin}/blob`) }),
      act: getBlob,
    },
    {
      name: `${status} of a blob to another scheme`,
      script: ({ secure }) => ({ [`GET ${BLOB}`]: to(status, `${secure.origin}/blob`) }),
      act: getBlob,
    },
    {
      name: `${status} of a blob from https down to http`,
      script: ({ canary }) => ({ [`GET ${BLOB}`]: to(status, `${canary.origin}/blob`) }),
      act: getBlob,
      code: 'REDIRECT_REFUSED',
      silent: true,
      registryTls: true,
    },
    {
      name: `${status} of a blob with user information`,
      script: ({ canary }) => ({ [`GET ${BLOB}`]: to(status, `http://registry@${canary.host}/blob`) }),
      act: getBlob,
      code: 'REDIRECT_REFUSED',
      silent: true,
    },
    {
      name: `${status} of a manifest to another port`,
      script: ({ canary }) => ({ [`GET ${MANIFEST}`]: to(status, `${canary.origin}/manifest`) }),
      act: getManifest,
    },
    {
      name: `${status} of a blob's HEAD to another port`,
      script: ({ canary }) => ({ [`HEAD ${BLOB}`]: to(status, `${canary.origin}/blob`) }),
      act: headBlob,
    },
    {
      name: `${status} of a list to another port`,
      script: ({ canary }) => ({ 'GET /v2/a/b/tags/list': to(status, `${canary.origin}/tags`) }),
      act: listTags,
    },
    {
      name: `${status} of the token service to another port`,
      script: ({ fake, canary }) => ({
        'GET /token': to(status, `${canary.origin}/token`),
        'GET /v2/a/b/tags/list': {
          status: 401,
          headers: { 'www-authenticate': `Bearer realm="${fake.origin}/token"` },
        },
      }),
      act: listTags,
      code: 'REALM_REFUSED',
      silent: true,
    },
    {
      name: `${status} of an upload's beginning to another port`,
      script: ({ canary }) => ({ 'POST /v2/a/b/blobs/uploads/': to(status, `${canary.origin}/begin`) }),
      act: push(blob),
      ...(status < 307 ? ({ code: 'REDIRECT_REFUSED', silent: true } as const) : {}),
    },
    {
      name: `${status} of an upload's body to another port`,
      script: ({ canary }) => ({
        'POST /v2/a/b/blobs/uploads/': to(202, '/v2/a/b/up'),
        'PUT /v2/a/b/up': to(status, `${canary.origin}/put`),
      }),
      act: push(large),
      ...(status < 307 ? ({ code: 'REDIRECT_REFUSED', silent: true } as const) : {}),
    },
  ]),
  {
    name: 'an upload location at another port',
    script: ({ canary }) => ({ 'POST /v2/a/b/blobs/uploads/': to(202, `${canary.origin}/put`) }),
    act: push(blob),
  },
  {
    name: 'an upload location at another port, streamed',
    script: ({ canary }) => ({ 'POST /v2/a/b/blobs/uploads/': to(202, `${canary.origin}/put`) }),
    act: push(large),
  },
  {
    name: 'an upload location with user information',
    script: ({ fake }) => ({ 'POST /v2/a/b/blobs/uploads/': to(202, `http://x:y@${fake.host}/put`) }),
    act: push(blob),
    code: 'REDIRECT_REFUSED',
    silent: true,
  },
  {
    name: 'a realm at another port',
    script: ({ canary }) => ({
      'GET /v2/a/b/tags/list': {
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="${canary.origin}/token"` },
      },
    }),
    act: listTags,
    code: 'REALM_REFUSED',
    silent: true,
  },
  {
    name: 'a realm at another https host',
    script: ({ secure }) => ({
      'GET /v2/a/b/tags/list': {
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="${secure.origin}/token"` },
      },
    }),
    act: listTags,
    code: 'REALM_REFUSED',
    silent: true,
  },
  {
    name: 'a realm with user information',
    script: ({ fake }) => ({
      'GET /v2/a/b/tags/list': {
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="http://x@${fake.host}/t"` },
      },
    }),
    act: listTags,
    code: 'REALM_REFUSED',
    silent: true,
  },
  {
    name: 'a Basic challenge from another port',
    script: ({ canary }) => ({ [`GET ${BLOB}`]: to(307, `${canary.origin}/challenge`) }),
    act: getBlob,
    code: 'REGISTRY_DENIED',
  },
  {
    name: 'a next page at another port',
    script: ({ canary }) => ({
      'GET /v2/a/b/tags/list': {
        headers: { 'content-type': 'application/json', link: `<${canary.origin}/tags>; rel="next"` },
        body: '{"tags":["a"]}',
      },
    }),
    act: listTags,
    code: 'REGISTRY_PROTOCOL',
    silent: true,
  },
  {
    name: 'a redirect to a file',
    script: () => ({ [`GET ${BLOB}`]: to(302, 'file:///etc/passwd') }),
    act: getBlob,
    code: 'REDIRECT_REFUSED',
    silent: true,
  },
  {
    name: 'a circle of redirects',
    script: () => ({ [`GET ${BLOB}`]: to(302, BLOB) }),
    act: getBlob,
    code: 'REDIRECT_REFUSED',
    silent: true,
  },
  {
    name: 'urls of a foreign layer',
    script: () => ({}),
    act: (client, host) =>
      collect(
        client.source(host, 'a/b').blob({ ...blob.descriptor, urls: ['http://127.0.0.1:1/', `http://${host}/x`] }),
      ),
    code: 'BLOB_MISSING',
    silent: true,
  },
]

describe('registry/redirect', () => {
  const opened = new Opened()
  let tls: Tls

  before(() => {
    tls = selfSigned()
  })
  afterEach(() => opened.close())

  const canaryScript = (): Record<string, Reply> => ({
    'GET /blob': { body: blob.bytes },
    'HEAD /blob': { headers: { 'content-length': String(blob.bytes.length) } },
    'GET /manifest': { headers: { 'content-type': image.descriptor.mediaType }, body: image.bytes },
    'GET /tags': { headers: { 'content-type': 'application/json' }, body: '{"tags":["a"]}' },
    'GET /challenge': { status: 401, headers: { 'www-authenticate': 'Basic realm="give"' } },
    'GET /token': { body: '{"token":"canary"}' },
    'POST /begin': to(202, '/put'),
    'PUT /put': { status: 201 },
  })

  /** Lets a reply through to those who have shown the credentials, and asks the others for them. */
  const guarded = (bearer: boolean, origin: string, reply: Reply | undefined): Reply => {
    const wanted = bearer ? 'Bearer bearer-of-the-registry' : BASIC
    const challenge = bearer ? `Bearer realm="${origin}/good-token",service="x"` : 'Basic realm="x"'
    return (asked: Asked, times: number) => {
      if (asked.headers.authorization !== wanted) return { status: 401, headers: { 'www-authenticate': challenge } }
      return typeof reply === 'function' ? reply(asked, times) : (reply ?? { status: 404 })
    }
  }

  for (const bearer of [false, true]) {
    for (const shape of SHAPES) {
      const mode = bearer ? 'a token' : 'a password'
      it(`shows no canary ${mode}: ${shape.name}`, async () => {
        const fake = await opened.add(scripted({}, shape.registryTls === true ? tls : undefined))
        const canary = await opened.add(scripted(canaryScript()))
        const secure = await opened.add(scripted(canaryScript(), tls))
        const credentials = { entries: [{ key: fake.host, username: 'jane', password: PASSWORD }], helpers: {} }
        const plainHttp = shape.registryTls === true ? [] : [fake.host]
        const client = await opened.add(clientOf('target', { credentials, plainHttp, caPem: tls.cert, retries: 1 }))
        const script = shape.script({ fake, canary, secure, client })
        fake.script['GET /v2/*'] = guarded(bearer, fake.origin, undefined)
        fake.script['GET /good-token'] = { body: '{"token":"bearer-of-the-registry"}' }
        for (const [key, reply] of Object.entries(script)) {
          // What challenges by itself is reached without the guard.
          const own = JSON.stringify(reply).includes('www-authenticate') || key === 'GET /token'
          fake.script[key] = own || Array.isArray(reply) ? reply : guarded(bearer, fake.origin, reply)
        }
        const outcome: unknown = await shape.act(client, fake.host).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (shape.code === undefined) assert.equal(outcome, undefined)
        else assert.ok(isFault(outcome, shape.code), String(outcome))
        const seen = [...canary.asked, ...secure.asked]
        assert.equal(seen.length === 0, shape.silent === true, 'whether the canary was asked')
        for (const { url, headers, body } of seen) {
          assert.equal(headers.authorization, undefined)
          const all = `${url}\n${JSON.stringify(headers)}\n${body.subarray(0, 10_000).toString('latin1')}`
          for (const secret of SECRETS) assert.ok(!all.includes(secret), secret)
        }
        for (const secret of SECRETS.slice(0, 3)) assert.ok(!String(outcome).includes(secret))
      })
    }
  }

  it('brings no credentials back to the registry after a hop elsewhere', async () => {
    const fake = await opened.add(scripted())
    const canary = await opened.add(scripted({ 'GET /back': to(302, `${fake.origin}/v2/private/thing`) }))
    fake.script[`GET ${BLOB}`] = guarded(false, fake.origin, to(302, `${canary.origin}/back`))
    fake.script['GET /v2/private/thing'] = { body: blob.bytes }
    const credentials = { entries: [{ key: fake.host, username: 'jane', password: PASSWORD }], helpers: {} }
    const client = await opened.add(clientOf('source', { credentials }))
    await getBlob(client, fake.host)
    assert.equal(fake.asked.at(-1)?.url, '/v2/private/thing')
    assert.equal(fake.asked.at(-1)?.headers.authorization, undefined)
  })

  it('keeps credentials on a redirect within the registry', async () => {
    const fake = await opened.add(scripted())
    fake.script[`GET ${BLOB}`] = guarded(false, fake.origin, to(307, '/elsewhere'))
    fake.script['GET /elsewhere'] = guarded(false, fake.origin, { body: blob.bytes })
    const credentials = { entries: [{ key: fake.host, username: 'jane', password: PASSWORD }], helpers: {} }
    const client = await opened.add(clientOf('source', { credentials }))
    await getBlob(client, fake.host)
  })

  it('asks the registry again when a storage elsewhere refuses its signed URL', async () => {
    const fake = await opened.add(scripted())
    const store = await opened.add(scripted({ 'GET /s': [{ status: 403 }, { body: blob.bytes }] }))
    fake.script[`GET ${BLOB}`] = to(307, `${store.origin}/s`)
    const client = await opened.add(clientOf('source', { retries: 1 }))
    await getBlob(client, fake.host)
    assert.deepEqual([fake.asked.length, store.asked.length], [2, 2])
  })
})
