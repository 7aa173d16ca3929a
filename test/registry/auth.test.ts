import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { isFault, type Code } from '../../src/errors/index.ts'
import type { Credential, RegistryOptions } from '../../src/registry/index.ts'
import { collect, manifest, randomBlob } from '../contract/content.ts'
import { clientOf, errors, Opened, scripted, type Answering, type Asked, type Scripted } from './scripted.ts'

const { descriptor, bytes } = randomBlob(300_000)
const BLOB = `GET /v2/a/b/blobs/${descriptor.digest}`
const PASSWORD = 'open-sesame-4711'

function part({ headers }: Asked): Answering {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  if (from === 0) return { body: bytes }
  const { length } = bytes
  const range = `bytes ${from}-${length - 1}/${length}`
  return { status: 206, headers: { 'content-range': range }, body: bytes.subarray(from) }
}

describe('registry/auth', () => {
  const opened = new Opened()
  let fake: Scripted
  let minted: number
  let valid: Set<string>

  afterEach(() => opened.close())

  /** A registry with its token service at the same origin; `life` goes into `expires_in`. */
  const withTokens = async (life = 300): Promise<void> => {
    minted = 0
    valid = new Set()
    fake = await opened.add(scripted())
    fake.script['GET /token'] = () => {
      const token = `secret-token-${++minted}`
      valid.add(`Bearer ${token}`)
      return { body: JSON.stringify({ token, expires_in: life }) }
    }
    fake.script['GET /v2/*'] = guard(part)
  }

  const guard =
    (inner: (asked: Asked) => Answering) =>
    (asked: Asked): Answering =>
      valid.has(asked.headers.authorization ?? '')
        ? inner(asked)
        : {
            status: 401,
            headers: {
              'www-authenticate': `Bearer realm="${fake.origin}/token",service="reg",scope="repository:a/b:pull"`,
            },
            body: errors('UNAUTHORIZED', 'authentication required'),
          }

  const sourceOf = async (entry: Omit<Credential, 'key'> | undefined, more: Partial<RegistryOptions> = {}) => {
    const entries = entry === undefined ? [] : [{ key: fake.host, ...entry }]
    const client = await opened.add(clientOf('source', { credentials: { entries, helpers: {} }, retries: 2, ...more }))
    return client.source(fake.host, 'a/b')
  }

  const basic = `Basic ${Buffer.from(`jane:${PASSWORD}`).toString('base64')}`
  const jane = { username: 'jane', password: PASSWORD }

  it('gets an anonymous token for the scope it needs', async () => {
    await withTokens()
    assert.deepEqual(await collect((await sourceOf(undefined)).blob(descriptor)), bytes)
    const token = fake.asked.find(({ url }) => url.startsWith('/token'))
    assert.equal(token?.headers.authorization, undefined)
    assert.equal(token?.url, '/token?service=reg&scope=repository%3Aa%2Fb%3Apull')
  })

  it('gives the password to the token service and the token to the registry', async () => {
    await withTokens()
    await collect((await sourceOf(jane)).blob(descriptor))
    for (const { url, headers } of fake.asked) {
      if (url.startsWith('/token')) assert.equal(headers.authorization, basic)
      else assert.notEqual(headers.authorization, basic)
    }
  })

  it('asks once for a token that many requests need at the same time', async () => {
    await withTokens()
    const source = await sourceOf(jane)
    await Promise.all(Array.from({ length: 12 }, () => collect(source.blob(descriptor))))
    assert.ok(minted <= 2, `${minted} tokens`)
  })

  it('renews a token before it expires', async () => {
    await withTokens(1)
    const source = await sourceOf(jane)
    await collect(source.blob(descriptor))
    await new Promise((resolve) => setTimeout(resolve, 800))
    await collect(source.blob(descriptor))
    assert.equal(fake.asked.filter(({ url }) => !url.startsWith('/token')).length, 3)
    assert.equal(minted, 2)
  })

  it('renews a token that is refused in the middle of a run', async () => {
    await withTokens()
    const source = await sourceOf(jane)
    await collect(source.blob(descriptor))
    valid.clear()
    assert.deepEqual(await collect(source.blob(descriptor)), bytes)
    assert.equal(minted, 2)
  })

  it('renews a token that is refused in the middle of a blob', async () => {
    await withTokens()
    fake.script[BLOB] = guard((asked) => {
      if (asked.headers.range !== undefined) return part(asked)
      valid.clear()
      return {
        headers: { 'content-length': String(bytes.length) },
        raw: (response) => response.write(bytes.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20)),
      }
    })
    assert.deepEqual(await collect((await sourceOf(jane)).blob(descriptor)), bytes)
    assert.deepEqual(
      fake.asked.filter(({ headers }) => headers.range !== undefined).map(({ headers }) => headers.authorization),
      ['Bearer secret-token-1', 'Bearer secret-token-2'],
    )
  })

  it('gives up when a fresh token is refused', async () => {
    await withTokens()
    fake.script['GET /token'] = { body: JSON.stringify({ token: 'never-good' }) }
    const source = await sourceOf(jane)
    await assert.rejects(collect(source.blob(descriptor)), (error) => isFault(error, 'REGISTRY_DENIED'))
    assert.ok(fake.asked.length <= 4)
  })

  it('repeats when the token service is busy, and names one that says no', async () => {
    await withTokens()
    const good = fake.script['GET /token'] as () => Answering
    fake.script['GET /token'] = [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }, good]
    assert.deepEqual(await collect((await sourceOf(jane)).blob(descriptor)), bytes)
    await withTokens()
    fake.script['GET /token'] = { status: 401, body: errors('UNAUTHORIZED', 'wrong password') }
    await assert.rejects(collect((await sourceOf(jane)).blob(descriptor)), (error) => isFault(error, 'REGISTRY_DENIED'))
  })

  it('uses a refresh token by POST', async () => {
    await withTokens()
    fake.script['POST /token'] = fake.script['GET /token'] ?? {}
    const source = await sourceOf({ identityToken: 'refresh-me-please' })
    assert.deepEqual(await collect(source.blob(descriptor)), bytes)
    const post = fake.asked.find(({ method }) => method === 'POST')
    assert.equal(new URLSearchParams(post?.body.toString()).get('refresh_token'), 'refresh-me-please')
    assert.equal(post?.headers.authorization, undefined)
  })

  it('sends a password by Basic only after it was asked to', async () => {
    fake = await opened.add(scripted())
    fake.script[BLOB] = ({ headers }) =>
      headers.authorization === basic
        ? { body: bytes }
        : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    const source = await sourceOf(jane)
    await collect(source.blob(descriptor))
    await collect(source.blob(descriptor))
    assert.deepEqual(
      fake.asked.map(({ headers }) => headers.authorization),
      [undefined, basic, basic],
    )
  })

  it('renews the token of an upload that is refused half way, and begins again', async () => {
    const { descriptor: large, bytes: all } = randomBlob(2_000_000)
    await withTokens()
    let stored: Buffer | undefined
    fake.script['HEAD /v2/*'] = guard(() => ({ status: 404 }))
    fake.script['POST /v2/a/b/blobs/uploads/'] = guard(() => ({ status: 202, headers: { location: '/v2/a/b/up?s=1' } }))
    fake.script['PUT /v2/a/b/up'] = (asked, times) => {
      if (times === 0) valid.clear()
      return guard(() => {
        stored = asked.body
        return { status: 201 }
      })(asked)
    }
    const client = await opened.add(
      clientOf('target', { credentials: { entries: [{ key: fake.host, ...jane }], helpers: {} } }),
    )
    const target = client.targetPlace(fake.host).repository('a/b')
    const body = {
      async *open() {
        for (let at = 0; at < all.length; at += 100_000) yield all.subarray(at, at + 100_000)
      },
    }
    assert.equal(await target.pushBlob(large, body), 'pushed')
    assert.deepEqual(stored, all)
  })

  it('takes the longest key that leads to a repository', async () => {
    fake = await opened.add(scripted())
    fake.script['GET /v2/*'] = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    const entries = [
      { key: fake.host, username: 'all', password: 'for-the-host' },
      { key: `${fake.host}/team`, username: 'team', password: 'for-the-team' },
      { key: `${fake.host}/team/app`, username: 'app', password: 'for-the-app' },
    ]
    const client = await opened.add(clientOf('source', { credentials: { entries, helpers: {} } }))
    for (const [path, user] of [
      ['other', 'all'],
      ['teams/x', 'all'],
      ['team/x', 'team'],
      ['team/app', 'app'],
      ['team/app/deep', 'app'],
    ] as const) {
      await assert.rejects(client.source(fake.host, path).tags(), (error) => isFault(error, 'REGISTRY_DENIED'))
      const sent = fake.asked.at(-1)?.headers.authorization ?? ''
      assert.equal(Buffer.from(sent.slice(6), 'base64').toString().split(':')[0], user)
    }
  })

  const challenged = async (header: string, code: Code): Promise<void> => {
    fake = await opened.add(scripted({ 'GET /v2/*': { status: 401, headers: { 'www-authenticate': header } } }))
    await assert.rejects((await sourceOf(jane)).tags(), (error) => isFault(error, code), header.slice(0, 80))
    await opened.close()
  }

  it('rejects challenges that two readers could read differently, or that make no sense', async () => {
    for (const header of [
      'Bearer realm="https://a.example/",realm="https://b.example/"',
      'Bearer realm="https://a.example/" service="x"',
      'Bearer realm="unfinished',
      'Bearer service="x"',
      'Bearer realm=',
      '="x"',
      `Bearer realm="https://a.example/${'x'.repeat(9_000)}"`,
    ])
      await challenged(header, 'REGISTRY_PROTOCOL')
    await challenged('Negotiate', 'REGISTRY_DENIED')
    await challenged('', 'REGISTRY_DENIED')
  })

  it('rejects tokens that are none, and answers over the cap', async () => {
    for (const [body, code] of [
      ['{}', 'REGISTRY_PROTOCOL'],
      ['<html></html>', 'REGISTRY_PROTOCOL'],
      ['{"token":"a b"}', 'REGISTRY_PROTOCOL'],
      ['{"token":"a\\r\\nX-Evil: 1"}', 'REGISTRY_PROTOCOL'],
      ['{"token":5}', 'REGISTRY_PROTOCOL'],
      [JSON.stringify({ token: 'x'.repeat(70_000) }), 'LIMIT_EXCEEDED'],
    ] as const) {
      await withTokens()
      fake.script['GET /token'] = { body }
      await assert.rejects((await sourceOf(jane)).tags(), (error) => isFault(error, code), body.slice(0, 40))
    }
  })

  it('keeps passwords and tokens out of errors, also when the registry says them back', async () => {
    await withTokens()
    const echo = guard(({ headers }) => ({
      status: 403,
      body: errors('DENIED', `you sent ${headers.authorization} and ${PASSWORD} and ${basic}\u202e\u001b[31m`),
    }))
    fake.script['GET /v2/*'] = echo
    const caught: unknown = await (await sourceOf(jane)).tags().catch((error: unknown) => error)
    assert.ok(isFault(caught, 'REGISTRY_DENIED'))
    const text = inspect(caught, { depth: 10, showHidden: true })
    for (const secret of [PASSWORD, 'secret-token-1', basic.slice(6)]) assert.ok(!text.includes(secret), secret)
    assert.ok(text.includes('***'))
    assert.ok(!/[\p{Cc}\p{Cf}]/u.test(caught.message))
  })

  it('asks once for a manifest that a tag led to', async () => {
    const image = manifest(randomBlob(10))
    await withTokens()
    fake.script['GET /v2/a/b/manifests/*'] = guard(() => ({
      headers: { 'content-type': image.descriptor.mediaType },
      body: image.bytes,
    }))
    const source = await sourceOf(jane)
    assert.equal((await source.resolve('1.0'))?.digest, image.descriptor.digest)
    assert.deepEqual(await source.manifest(image.descriptor), image.bytes)
    assert.equal(fake.seen().filter((line) => line.includes('manifests')).length, 2)
  })
})
