import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { PASSPHRASE, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport, start, type Ended } from './program.ts'

const PASSWORD = 'hunter2-in-the-authfile'
const TOKEN = 'token-nobody-may-see-0123456789'
const SECRETS = [PASSPHRASE, PASSWORD, TOKEN].flatMap((secret) => [
  secret,
  Buffer.from(secret).toString('base64'),
  Buffer.from(`porter:${secret}`).toString('base64'),
])

function assertSilent(text: string, what: string): void {
  for (const secret of SECRETS) assert.ok(!text.includes(secret), `${what} holds ${secret}`)
}

describe('cli/secrets', function () {
  this.timeout(120_000)
  let stage: Stage
  let passphrase: string
  let authfile: string
  let server: Server
  let host: string
  /** Authorization headers that the registry was shown. */
  const shown: string[] = []

  before(async () => {
    stage = await Stage.make()
    await buildDemoLayout(join(stage.dir, 'demo'))
    passphrase = stage.path('pw')
    writeFileSync(passphrase, PASSPHRASE)
    // Takes the credentials, gives a token, and refuses it, repeating all it has heard.
    server = createServer((request, response) => {
      const { authorization = '' } = request.headers
      shown.push(authorization)
      const challenge = { 'www-authenticate': `Bearer realm="http://${host}/token",service="s"` }
      if (request.url?.startsWith('/token') === true)
        return void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ token: TOKEN }))
      const message = `you said ${authorization} and I know ${PASSWORD} and ${TOKEN}`
      const body = JSON.stringify({ errors: [{ code: 'DENIED', message, detail: message }] })
      response
        .writeHead(authorization === '' ? 401 : 403, { 'content-type': 'application/json', ...challenge })
        .end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    authfile = stage.path('config.json')
    const auth = Buffer.from(`porter:${PASSWORD}`).toString('base64')
    writeFileSync(authfile, JSON.stringify({ auths: { [host]: { auth } } }))
  })

  after(() => {
    server?.close()
    stage?.close()
  })

  const exporting = (ref: string, output: string): string[] => {
    const keys = ['--keys', stage.keys, '--passphrase-file', passphrase]
    return ['export', ref, '--for-site', 'site-a', ...keys, '-o', output]
  }

  function assertQuiet({ stdout, stderr }: Ended, what: string): void {
    assertSilent(stdout, what)
    assertSilent(stderr, what)
  }

  it('leaves no secret in what it prints and writes', async () => {
    const june = stage.path('june.tar')
    const state = await stage.site('site-a', new Date())
    const out = stage.path('out')
    for (const args of [
      exporting(`oci:${stage.dir}/demo`, june),
      ['approve', june, '--key', join(stage.keys, 'alice.pem'), '--passphrase-file', passphrase],
      ['inspect', june],
      ['import', june, '--to', `oci:${out}`, '--state', state],
      ['channel', 'init', 'x', '--for', 'content', '--dir', stage.path('k'), '--solo', '--passphrase-file', passphrase],
      ['log', '--state', state],
    ]) {
      const ended = await sallyport([...args, '--json'])
      assert.equal(ended.status, 0, ended.stdout)
      assertQuiet(ended, args[0] ?? '')
    }
    for (const entry of readdirSync(stage.dir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile() && ![passphrase, authfile].includes(path)) assertSilent(readFileSync(path, 'latin1'), path)
    }
  })

  it('says nothing of a passphrase that is wrong', async () => {
    const wrong = stage.path('wrong')
    writeFileSync(wrong, `${PASSPHRASE}!`)
    for (const form of [[], ['--json']]) {
      const args = exporting(`oci:${stage.dir}/demo`, stage.path('x.tar'))
      const ended = await sallyport([...args.map((arg) => (arg === passphrase ? wrong : arg)), ...form])
      assert.equal(ended.status, 2)
      assert.match(ended.stdout + ended.stderr, /KEY_PASSPHRASE/)
      assertQuiet(ended, 'a wrong passphrase')
    }
  })

  it('says nothing of credentials and tokens, even when the registry says them back', async () => {
    for (const form of [[], ['--json']]) {
      const args = [...exporting(`${host}/a:1`, stage.path('x.tar')), '--authfile', authfile, '--allow-realm', host]
      const ended = await sallyport([...args, ...form])
      assert.equal(ended.status, 20)
      assert.match(ended.stdout + ended.stderr, /REGISTRY_DENIED/)
      assertQuiet(ended, 'a denial')
    }
    // The test would prove nothing if neither had been used.
    assert.ok(shown.some((header) => header.startsWith('Basic ')) && shown.includes(`Bearer ${TOKEN}`))
  })

  it('says nothing of what a broken credentials file holds', async () => {
    const broken = stage.path('broken.json')
    for (const text of [
      `{"auths":{"${host}":{"auth":"${PASSWORD}!"}}}`,
      `{"auths":{"${host}":{"auth":"${Buffer.from(PASSWORD).toString('base64')}"}}}`,
      `{"auths":{"${host}":{"username":"porter","password":"${PASSWORD}"`,
      PASSWORD,
    ]) {
      writeFileSync(broken, text)
      for (const form of [[], ['--json']]) {
        const args = [...exporting(`${host}/a:1`, stage.path('x.tar')), '--authfile', broken]
        const ended = await sallyport([...args, ...form])
        assert.equal(ended.status, 2)
        assert.match(ended.stdout + ended.stderr, /AUTHFILE_MALFORMED/)
        assertQuiet(ended, text)
      }
    }
  })

  it('takes no passphrase from an argument or the environment, and does not repeat it', async () => {
    const args = [
      'export',
      `oci:${stage.dir}/demo`,
      '--for-site',
      'site-a',
      '--keys',
      stage.keys,
      '-o',
      stage.path('x'),
    ]
    const argument = await sallyport([...args, '--passphrase', PASSPHRASE, '--json'])
    assert.deepEqual([argument.status, documentIn(argument.stdout).error.code], [2, 'USAGE'])
    assertQuiet(argument, 'an argument')
    const env = { SALLYPORT_PASSPHRASE: PASSPHRASE, PASSPHRASE, COSIGN_PASSWORD: PASSPHRASE }
    const environment = await sallyport([...args, '--json'], { env })
    assert.deepEqual([environment.status, documentIn(environment.stdout).error.code], [2, 'KEY_PASSPHRASE'])
  })

  it('has no secret among its arguments and in its environment while it runs', async () => {
    const { child, ended, says } = start([...exporting(`oci:${stage.dir}/demo`, stage.path('y.tar')), '--json'])
    await says('fetching')
    const proc = `/proc/${child.pid}`
    // It may have ended meanwhile; then there is nothing to see.
    for (const name of ['cmdline', 'environ'])
      try {
        assertSilent(readFileSync(join(proc, name), 'latin1'), name)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH')
          throw error
      }
    assert.equal((await ended).status, 0)
  })

  it('writes keys that only their owner can read, and only sealed', () => {
    for (const name of readdirSync(stage.keys).filter((file) => file.endsWith('.pem')))
      assert.match(readFileSync(join(stage.keys, name), 'latin1'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  })
})
