import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authfilePlaces } from '../../src/registry/authfile.ts'
import { credentialFor } from '../../src/registry/credentials.ts'
import { findAuthfiles } from '../../src/registry/index.ts'
import { registryAccess } from '../../src/transfer/index.ts'
import { fault } from '../fault.ts'

const login = (user: string): { auth: string } => ({ auth: Buffer.from(`${user}:word`).toString('base64') })

describe('registry/authfile', () => {
  it('looks where docker and podman look', async () => {
    assert.deepEqual(authfilePlaces({ DOCKER_CONFIG: '', XDG_RUNTIME_DIR: '/run/user/1' }, '/home/jane'), [
      '/run/user/1/containers/auth.json',
      '/home/jane/.config/containers/auth.json',
      '/home/jane/.docker/config.json',
    ])
    // DOCKER_CONFIG stands for the folder in the home: who sets it to be alone with it is.
    assert.deepEqual(authfilePlaces({ DOCKER_CONFIG: '/d', XDG_CONFIG_HOME: '/c' }, '/home/jane'), [
      '/d/config.json',
      '/c/containers/auth.json',
    ])
    const named = { REGISTRY_AUTH_FILE: '/absent/a.json', DOCKER_CONFIG: '/d' }
    assert.deepEqual(await findAuthfiles(named, '/nowhere'), ['/absent/a.json'])
    assert.deepEqual(await findAuthfiles({}, '/nowhere'), [])
  })

  describe('in a home', () => {
    let home: string
    const put = (path: string, document: unknown): void => {
      mkdirSync(join(home, path, '..'), { recursive: true })
      writeFileSync(join(home, path), typeof document === 'string' ? document : JSON.stringify(document))
    }
    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), 'sallyport-home-'))
      put('.config/containers/auth.json', { auths: { 'other.example': login('jane') } })
    })
    afterEach(() => rmSync(home, { recursive: true }))

    it('finds the login that docker keeps beside those of podman', async () => {
      put('.docker/config.json', { auths: { 'a.example': login('joe') } })
      const { credentials } = await registryAccess({ env: {}, home }, ['a.example'])
      assert.equal(credentials && credentialFor(credentials, 'a.example', 'app')?.username, 'joe')
    })

    it('refuses a malformed file behind one that has the login', async () => {
      put('.docker/config.json', '{"auths":')
      await assert.rejects(registryAccess({ env: {}, home }, ['other.example']), fault('AUTHFILE_MALFORMED'))
      const authfile = join(home, '.config/containers/auth.json')
      await registryAccess({ env: {}, home, authfile }, ['other.example'])
    })
  })
})
