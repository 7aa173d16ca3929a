import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { isFault } from '../../src/errors/index.ts'
import { readCredentials, resolveCredentials } from '../../src/registry/index.ts'
import { credentialFor } from '../../src/registry/credentials.ts'
import { fault } from '../fault.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const read = (document: unknown) => readCredentials(Buffer.from(JSON.stringify(document)), 'config.json')

describe('registry/credentials', () => {
  it('reads each way in which docker writes an entry', () => {
    const { entries } = read({
      auths: {
        'a.example': { auth: base64('jane:pa:ss') },
        'b.example:5000': { username: 'joe', password: 'word' },
        'https://c.example/v2/': { identitytoken: 'refresh' },
        'https://index.docker.io/v1/': { auth: base64('hub:secret') },
        'd.example/ns/team': { auth: base64('team:word') },
        'e.example': {},
      },
    })
    assert.deepEqual(entries, [
      { key: 'a.example', username: 'jane', password: 'pa:ss' },
      { key: 'b.example:5000', username: 'joe', password: 'word' },
      { key: 'c.example', identityToken: 'refresh' },
      { key: 'docker.io', username: 'hub', password: 'secret' },
      { key: 'd.example/ns/team', username: 'team', password: 'word' },
    ])
  })

  it('finds the longest key, and nothing for a host that only begins alike', () => {
    const credentials = read({
      auths: { 'd.example': { auth: base64('all:x') }, 'd.example/ns/team': { auth: base64('team:x') } },
    })
    const user = (host: string, path: string) => credentialFor(credentials, host, path)?.username
    assert.equal(user('d.example', 'ns/team/app'), 'team')
    assert.equal(user('d.example', 'ns/teams'), 'all')
    assert.equal(user('d.example:5000', 'ns/team'), undefined)
    assert.equal(user('evil-d.example', 'ns/team'), undefined)
    const hub = read({ auths: { 'https://index.docker.io/v1/': { auth: base64('hub:x') } } })
    assert.equal(credentialFor(hub, 'docker.io', 'library/alpine')?.username, 'hub')
  })

  it('refuses what is no config.json, and quotes no secret', () => {
    for (const document of [
      [],
      { auths: [] },
      { auths: { 'a.example': 'hunter2' } },
      { auths: { 'a.example': { auth: 'hunter2!' } } },
      { auths: { 'a.example': { auth: base64('hunter2') } } },
      { auths: { 'a.example': { auth: base64(':hunter2') } } },
      { auths: { 'a.example': { password: 5, username: 'hunter2' } } },
      { credHelpers: { 'a.example': '../../bin/hunter2' } },
      { credHelpers: { 'a.example': 'hunter2;id' } },
      { credsStore: 'Hunter2' },
    ])
      assert.throws(
        () => read(document),
        (error) => {
          assert.ok(isFault(error, 'AUTHFILE_MALFORMED'), JSON.stringify(document))
          return !/hunter2/i.test(inspect(error, { depth: 5 }))
        },
      )
    assert.throws(
      () => readCredentials(Buffer.from('{"auths":'), 'config.json'),
      (error) => isFault(error, 'AUTHFILE_MALFORMED'),
    )
  })

  describe('helpers', () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-helper-'))
    const path = process.env['PATH']
    const helper = (name: string, lines: string): void => {
      const file = join(dir, `docker-credential-${name}`)
      writeFileSync(file, `#!/bin/sh\n${lines}\n`)
      chmodSync(file, 0o755)
    }
    before(() => {
      process.env['PATH'] = `${dir}:${path}`
      helper('echo', 'read -r host; printf \'{"ServerURL":"%s","Username":"for-%s","Secret":"word"}\' "$host" "$1"')
      helper('token', 'cat >/dev/null; echo \'{"Username":"<token>","Secret":"refresh"}\'')
      helper('none', 'cat >/dev/null; echo "credentials not found in native keychain"; exit 1')
      helper('storeless', `cat >/dev/null; echo 'exec: "pass": executable file not found in $PATH'; exit 1`)
      helper('broken', 'cat >/dev/null; exit 3')
      helper('babble', 'cat >/dev/null; echo hello')
      helper('endless', 'exec yes')
      helper('parent', 'cat >/dev/null; sleep 30 & echo \'{"Username":"u","Secret":"s"}\'')
    })
    after(() => {
      process.env['PATH'] = path
      rmSync(dir, { recursive: true })
    })

    it('asks the helper of a host, and the store for the others', async () => {
      const credentials = read({
        auths: { 'c.example': { auth: base64('file:x') } },
        credHelpers: { 'a.example': 'echo', 'b.example': 'token' },
        credsStore: 'none',
      })
      const resolved = await resolveCredentials([credentials], ['a.example', 'b.example', 'c.example', 'a.example'])
      assert.deepEqual(credentialFor(resolved, 'a.example', 'x'), {
        key: 'a.example',
        username: 'for-get',
        password: 'word',
      })
      assert.deepEqual(credentialFor(resolved, 'b.example', 'x'), { key: 'b.example', identityToken: 'refresh' })
      assert.equal(credentialFor(resolved, 'c.example', 'x')?.username, 'file')
      assert.equal(credentialFor(resolved, 'd.example', 'x'), undefined)
      assert.deepEqual(structuredClone(resolved), resolved)
    })

    it('runs the helper of a later file for none that an earlier one knows', async () => {
      const first = read({
        auths: { 'a.example': { auth: base64('file:x') }, 'b.example/ns': { auth: base64('ns:x') } },
      })
      const resolved = await resolveCredentials([first, read({ credsStore: 'broken' })], ['a.example'])
      assert.equal(credentialFor(resolved, 'a.example', 'x')?.username, 'file')
      await assert.rejects(
        resolveCredentials([first, read({ credsStore: 'broken' })], ['b.example']),
        fault('AUTHFILE_MALFORMED'),
      )
      const asked = await resolveCredentials([first, read({ credsStore: 'echo' })], ['a.example', 'b.example'])
      assert.equal(credentialFor(asked, 'a.example', 'x')?.username, 'file')
      assert.equal(credentialFor(asked, 'b.example', 'ns/x')?.username, 'ns')
      assert.equal(credentialFor(asked, 'b.example', 'x')?.username, 'for-get')
      // A helper that has nothing leaves it to the next file.
      const none = await resolveCredentials([read({ credHelpers: { 'a.example': 'none' } }), first], ['a.example'])
      assert.equal(credentialFor(none, 'a.example', 'x')?.username, 'file')
    })

    it('waits for no program that a helper leaves running', async function () {
      this.timeout(10_000)
      const resolved = await resolveCredentials([read({ credsStore: 'parent' })], ['a.example'])
      assert.equal(credentialFor(resolved, 'a.example', 'x')?.username, 'u')
    })

    it('refuses a helper that is absent, fails or babbles', async () => {
      for (const credsStore of ['absent', 'broken', 'storeless', 'babble', 'endless'])
        await assert.rejects(resolveCredentials([read({ credsStore })], ['a.example']), (error) =>
          isFault(error, 'AUTHFILE_MALFORMED'),
        )
    })
  })

  it('asks the next file for what the first does not have, and the first for all else', async () => {
    const files = [
      read({ auths: { 'a.example': { auth: base64('first:x') }, 'b.example/ns': { auth: base64('first:y') } } }),
      read({ auths: { 'a.example/ns': { auth: base64('second:x') }, 'b.example': { auth: base64('second:y') } } }),
      read({ auths: { 'c.example': { auth: base64('third:z') } } }),
    ]
    const resolved = await resolveCredentials(files, ['a.example', 'b.example', 'c.example'])
    const user = (host: string, path: string): string | undefined => credentialFor(resolved, host, path)?.username
    assert.equal(user('a.example', 'ns/app'), 'first')
    assert.equal(user('b.example', 'ns/app'), 'first')
    assert.equal(user('b.example', 'other'), 'second')
    assert.equal(user('c.example', 'app'), 'third')
    assert.equal(user('d.example', 'app'), undefined)
    assert.deepEqual(structuredClone(resolved), resolved)
  })
})
